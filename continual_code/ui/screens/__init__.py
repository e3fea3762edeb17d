"""The screens: main, before and after, lessons, help, confirmation."""
