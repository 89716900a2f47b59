"""The process in which migrations run: a revision's code is arbitrary, blocks, prints and may never return.

Its standard input brings one request, then perhaps the word to cancel; its end means that the console is gone.
Its standard output takes events, a line of JSON each.
"""
