"""The demonstration: an application that the daemon serves to itself over HTTP, and a test phone that calls it."""
