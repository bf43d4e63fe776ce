"""Conformance cases that we decide otherwise: what is done instead, and why. Tests of the same number show it."""

from __future__ import annotations

DECIDED_OTHERWISE: dict[int, str] = {
    8: "Credentials inside an address are refused in feeds.yaml with the advice to use `authorization:`, because files are copied"
    " and shown; an address that has them all the same is asked as the case says.",
    36: "A freshness beyond the cap is cut silently: `monitor feeds check` shows what the publisher declares."
    " A log line per feed that says a year would be noise, for static hosts say it everywhere.",
    39: "A kill in the midst of a request is the exception: nothing of that poll was stored, so it is repeated at the next start."
    " Moving the due time before asking would lose a pace of time after every kill.",
    52: "The address in feeds.yaml is the user's and is not rewritten: the new one is asked directly, the old one once a day, and a"
    " warning asks for the file to be changed. So nothing that a hijacked host says can outlive it by more than a day.",
    59: "Two subscriptions that lead to one address stay two, with a request each and their own pace, name and group, until the user"
    " follows the warning that they moved; what both show is told once, because reports are the same by guid and link.",
    68: "It is not stopped, for nothing ever is: after the weekly looks of a month it is asked once a month, at the price of twelve"
    " requests a year, because outlets do come back under their old address.",
    69: "The state of the feed and the status say what to do; no message of its own is sent for one failing feed. That belongs to"
    " the service's alerts about itself, where all kinds of failure are weighed together.",
    73: "The log has a line for each failed poll with its number, and one for the recovery; a feed that is silent beyond its rhythm is"
    " shown as such by `status` and `feeds list`. A message about it belongs to the service's alerts about itself.",
    84: "A text that was encoded twice is put right where its outer layer is ISO 8859-1, as it nearly always is. What was taken for"
    " windows-1251 or KOI8-R is shown as it was sent: guessing there would spoil texts that are right.",
    88: "The warning about a feed without items is shown at once and not after several polls: it goes away by itself with the first item.",
    90: "A feed that its publisher declared ended is asked once a day and shown with a warning, because nothing is ever given up and"
    " `expired` has been set by mistake; the user removes it.",
    95: "What a complete feed (`fh:complete`) shows no more is no gap, but its reports are kept: that something was said stays true"
    " when a publisher takes it back.",
    97: "Old entries that were caught up on are stored and listed as older, without a digest of their own: whoever is told of the gap"
    " finds them in the list of reports.",
    98: "Hubs are taken from Link headers and from feeds (Atom, RSS, JSON Feed). A page is no feed, so its head is read only to find"
    " feeds, which then name their hubs themselves.",
    113: "rssCloud is left out: its pings are neither signed nor tied to an address of ours that nobody can guess, and publishers that"
    " offer it offer WebSub as well. Such feeds are polled like others.",
}
