"""After one rejection with a comment: does the offence come back, and is anything else disturbed?"""
