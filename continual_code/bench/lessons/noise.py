"""Remarks of a scripted person that no model should learn anything from."""

NOISE = (
    "Good evening everyone.",
    "I slept badly.",
    "Did you see the match on Sunday?",
    "My sister is visiting next week.",
    "The new office has a great view.",
    "We should order pizza.",
    "It is getting dark early now.",
    "I am on a call, one moment.",
    "Happy new year!",
    "The parking lot was full.",
    "Cheers!",
    "My laptop battery is nearly empty.",
    "I watched a documentary about whales.",
    "The company turns ten this year.",
    "Where did you go to school?",
    "That was a long week.",
    "My dog is sick.",
    "I will get some tea.",
    "The sun is shining.",
    "Someone left their keys in the kitchen.",
)
