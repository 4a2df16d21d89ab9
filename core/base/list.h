/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_LIST_H
#define CONSORT_LIST_H

/*
 * Lists whose links lie inside what is listed: a ring of links with the list's own among them. Nothing is
 * allocated. No lock.
 */

#include <stdbool.h>
#include <stddef.h>

struct consort_link {
	struct consort_link *next, *previous;
};

/* What a link is a member of. */
#define CONSORT_LINKED(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

/* Goes through a list of which nothing may be removed meanwhile. */
#define CONSORT_EACH(link, list) for ((link) = (list)->next; (link) != (list); (link) = (link)->next)

static inline void consort_list_init(struct consort_link *list)
{
	list->next = list->previous = list;
}

static inline bool consort_list_empty(const struct consort_link *list)
{
	return list->next == list;
}

/* Puts a link in front of another one; in front of the list's own is at the end. */
static inline void consort_list_insert(struct consort_link *before, struct consort_link *link)
{
	link->next = before;
	link->previous = before->previous;
	before->previous->next = link;
	before->previous = link;
}

/* Takes a link out of its list; a link of no list may have been initialised as an empty one. */
static inline void consort_list_remove(struct consort_link *link)
{
	link->previous->next = link->next;
	link->next->previous = link->previous;
	consort_list_init(link);
}

#endif
