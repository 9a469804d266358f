"""The annotate page: one record, one key, one stored answer, for one person or a team.

task      what is asked, and where records come from
desk      one person: the records in their hands and what they say about them
room      everybody at the page
access    links that open it once, and the sessions they are exchanged for
guard     what stands before every request: origin, size, time
requests  what a page may ask         views   what it gets to show
app       each address and what answers there
server    the socket and the loop     patience  how long it waits for a request
openapi   the requests, described     static    the page itself
"""

from labelkit.ui.web.access import Access
from labelkit.ui.web.room import Room, Site
from labelkit.ui.web.server import DEFAULT_PORT, LOCAL, is_local, listening, serve, site_at
from labelkit.ui.web.task import Source, Task

__all__ = [
    "DEFAULT_PORT",
    "LOCAL",
    "Access",
    "Room",
    "Site",
    "Source",
    "Task",
    "is_local",
    "listening",
    "serve",
    "site_at",
]
