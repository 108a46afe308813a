"""What stands before the application: connections, heads of requests, time limits.

Nothing here knows who asks. So whatever comes in has a bound of bytes, of count and of time before
anything is kept or made of it.
"""
