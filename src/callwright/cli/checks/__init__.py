"""What `callwright doctor` and `callwright trunk test` look at.

finding       what one look has found, and what to do
ports         whether the addresses can be had, or the daemon has them
certificates  whether they are good, for how long, and for whose name
machine       disk, clock, descriptors, kernel, speech
records       the database
reach         names, application servers
ways          where the URIs of trunks go, by NAPTR, SRV, AAAA and A
question      a request to a SIP peer, and its answer
registering   whether a carrier takes our name and password
live          what the daemon that runs says of its trunks
echo          a call to a number that echoes
"""
