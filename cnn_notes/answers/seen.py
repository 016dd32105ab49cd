"Where known mistakes were seen: a name and, after the last space, the address of a thread or a course page"
