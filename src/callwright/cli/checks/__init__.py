"""What `callwright doctor` and `callwright trunk test` look at.

finding       what one look has found, and what to do
ports         whether the addresses can be had, or the daemon has them
certificates  whether they are good, for how long, and for whose name
machine       disk, clock, descriptors, kernel, speech
records       the database
reach         names, application servers
options       whether a SIP peer answers
echo          a call to a number that echoes
"""
