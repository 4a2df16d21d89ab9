/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replies in an arena. hiredis's reader takes the protocol apart and calls these to build what it found: an
 * array is one allocation for all of its items, and nothing is freed by itself.
 */
#include "redis.h"

#define DEPTH_MOST 8		 /* of arrays in arrays */
#define ITEMS_FIRST UINT64_C(64) /* of an array that says that it has more: room for what has come */

/* The item of an array that is being read. A server may lie about how many there are, so large arrays grow
 * with what is there. Nothing points to the items before this one any more. */
static struct redis_reply *item(const struct redis_sink *sink, struct redis_reply *array, uint64_t at)
{
	struct redis_reply *items = array->as.items;
	uint64_t room = 2 * at < array->size ? 2 * at : array->size;

	if (CONSORT_UNLIKELY(at >= ITEMS_FIRST && !(at & (at - 1)))) {
		items = consort_arena_array(sink->arena, (size_t)room, sizeof(*items));
		if (!items)
			return NULL;
		memcpy(items, array->as.items, (size_t)at * sizeof(*items));
		array->as.items = items;
	}
	return &items[at];
}

/* The place of what the task is about; NULL: no memory. */
static struct redis_reply *place(const redisReadTask *task, int kind)
{
	const struct redis_sink *sink = task->privdata;
	struct redis_reply *reply = sink->root;

	if (task->parent)
		reply = item(sink, task->parent->obj, (uint64_t)task->idx);
	if (!reply)
		return NULL;
	reply->kind = kind;
	reply->size = 0;
	return reply;
}

static void *create_string(const redisReadTask *task, char *text, size_t size)
{
	const struct redis_sink *sink = task->privdata;
	bool plain = task->type == REDIS_REPLY_STATUS || task->type == REDIS_REPLY_ERROR;
	struct redis_reply *reply = place(task, plain ? task->type : REDIS_REPLY_STRING);

#ifdef REDIS_REPLY_VERB
	/* "txt:" in front says what it is */
	if (task->type == REDIS_REPLY_VERB && size >= 4) {
		text += 4;
		size -= 4;
	}
#endif
	if (!reply)
		return NULL;
	reply->as.text = consort_arena_copy(sink->arena, text, size);
	reply->size = size;
	return reply->as.text ? reply : NULL;
}

static void *make_array(const redisReadTask *task, uint64_t count)
{
	struct redis_sink *sink = task->privdata;
	struct redis_reply *reply = place(task, REDIS_REPLY_ARRAY);
	uint32_t depth = 0;

	for (; task; task = task->parent)
		depth++;
	sink->too_deep = depth > DEPTH_MOST;
	if (!reply || sink->too_deep)
		return NULL;
	reply->as.items = consort_arena_array(
		sink->arena, (size_t)(count < ITEMS_FIRST ? count : ITEMS_FIRST), sizeof(*reply->as.items));
	reply->size = count;
	return reply->as.items ? reply : NULL;
}

static void *create_integer(const redisReadTask *task, long long integer)
{
	struct redis_reply *reply = place(task, REDIS_REPLY_INTEGER);

	if (reply)
		reply->as.integer = integer;
	return reply;
}

static void *create_nil(const redisReadTask *task)
{
	return place(task, REDIS_REPLY_NIL);
}

static void free_object(void *object)
{
	(void)object;
}

#if HIREDIS_MAJOR >= 1
static void *create_array(const redisReadTask *task, size_t count)
{
	return make_array(task, count);
}

static void *create_double(const redisReadTask *task, double number, char *text, size_t size)
{
	(void)number;
	return create_string(task, text, size);
}

static void *create_bool(const redisReadTask *task, int boolean)
{
	return create_integer(task, boolean);
}
#else
static void *create_array(const redisReadTask *task, int count)
{
	return make_array(task, count < 0 ? 0 : (uint64_t)count);
}
#endif

redisReplyObjectFunctions redis_reply_functions = {
	.createString = create_string,
	.createArray = create_array,
	.createInteger = create_integer,
	.createNil = create_nil,
	.freeObject = free_object,
#if HIREDIS_MAJOR >= 1
	.createDouble = create_double,
	.createBool = create_bool,
#endif
};

bool redis_is_error(const struct redis_reply *reply, const char *word)
{
	size_t size = strlen(word);

	return reply->kind == REDIS_REPLY_ERROR && !strncmp(reply->as.text, word, size) &&
	       (reply->as.text[size] == ' ' || !reply->as.text[size]);
}

bool redis_says(const struct redis_reply *reply, const char *text)
{
	return redis_is_text(reply) && reply->size == strlen(text) &&
	       !memcmp(reply->as.text, text, reply->size);
}
