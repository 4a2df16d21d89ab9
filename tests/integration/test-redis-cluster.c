/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cluster that changes while it is used: slots that move, are on their way, or have no node any more. Keys
 * are found wherever they are, and a scan meets each of them once.
 */
#include "redis-server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SERVER "redis-cluster@cluster"
#define SPARE "redis-cluster-spare@lost"
#define COUNT 3000

static const char notes[] =
	"[resource note]\ndatabase = db\nsource = %s\nkey = id\nattribute.id = int64\n"
	"attribute.name = text\n"
	"[resource close]\ndatabase = db\nsource = close-%s\nkey = id\nhash_tag = source\n"
	"attribute.id = int64\nattribute.name = text\n";

static enum consort_status create_notes(struct consort *c, const char *resource, size_t count,
					struct consort_error *error)
{
	struct consort_record **records = calloc(count, sizeof(*records));
	enum consort_status status;
	size_t i;

	for (i = 0; i < count; i++) {
		records[i] = consort_record_new(c, resource);
		consort_record_set(records[i], "id", consort_int64((int64_t)i));
		consort_record_set(records[i], "name", consort_text("a name"));
	}
	status = consort_create_many(c, records, count, 0, NULL, error);
	for (i = 0; i < count; i++)
		consort_record_free(records[i]);
	free(records);
	return status;
}

/* A node's id, without the ';'. */
static const char *id_of(unsigned port)
{
	char *id = strdup(redis_ask_at(port, "cluster myid"));

	id[strcspn(id, ";")] = '\0';
	return testing_keep(id);
}

/* The slot of a key, and which of the ports has it. */
static int slot_of(const unsigned ports[3], const char *key, int *out_owner)
{
	char command[200], text[200];
	int slot, i;

	snprintf(command, sizeof(command), "cluster keyslot %s", key);
	slot = atoi(redis_ask_at(ports[0], command));
	*out_owner = -1;
	for (i = 0; i < 3; i++) {
		snprintf(text, sizeof(text), "exists %s", key);
		if (!strncmp(redis_ask_at(ports[i], text), "1;", 2))
			*out_owner = i;
	}
	CU_ASSERT_FATAL(*out_owner >= 0);
	return slot;
}

static void tell(unsigned port, const char *format, int slot, const char *id)
{
	char command[200];

	snprintf(command, sizeof(command), format, slot, id);
	redis_ask_at(port, command);
}

/* The slot is on its way from one node to another, and so is all that it holds. */
static void begin_move(const unsigned ports[3], int slot, int from, int to)
{
	char command[2000], *keys, *at;

	tell(ports[to], "cluster setslot %d importing %s", slot, id_of(ports[from]));
	tell(ports[from], "cluster setslot %d migrating %s", slot, id_of(ports[to]));
	snprintf(command, sizeof(command), "cluster getkeysinslot %d 50", slot);
	keys = strdup(redis_ask_at(ports[from], command));
	for (at = keys; (at = strchr(at, ';'));)
		*at = ' ';
	snprintf(command, sizeof(command), "migrate 127.0.0.1 %u '' 0 5000 keys %s", ports[to], keys);
	TESTING_TEXT(redis_ask_at(ports[from], command), "OK;");
	free(keys);
}

static void end_move(const unsigned ports[3], int slot, int to)
{
	int i;

	for (i = 0; i < 3; i++)
		tell(ports[(to + i) % 3], "cluster setslot %d node %s", slot, id_of(ports[to]));
}

static void move(const unsigned ports[3], int slot, int from, int to)
{
	begin_move(ports, slot, from, to);
	end_move(ports, slot, to);
}

/* ASK while the slot moves, MOVED when it has: neither is seen from outside. */
static void test_slot_moves(void)
{
	struct consort *c = redis_open(SERVER, NULL, NULL, notes);
	struct consort_error error = CONSORT_ERROR_INIT;
	unsigned ports[3];
	char key[200];
	int slot, from, to;

	API_OK(create_notes(c, "note", 1, &error));
	redis_ports(SERVER, ports);
	snprintf(key, sizeof(key), "%s:0", testing_name());
	slot = slot_of(ports, key, &from);
	to = (from + 1) % 3;
	begin_move(ports, slot, from, to);
	TESTING_TEXT(api_find(c, "note", "name", "id = 0", NULL), "a name");
	TESTING_TEXT(api_find(c, "note", "id", NULL, NULL), "0");
	CU_ASSERT_EQUAL(create_notes(c, "note", 1, &error), CONSORT_ECONSTRAINT);
	end_move(ports, slot, to);
	TESTING_TEXT(api_find(c, "note", "name", "id = 0", NULL), "a name");
	TESTING_TEXT(api_find(c, "note", "id", NULL, NULL), "0");
	CU_ASSERT_EQUAL(create_notes(c, "note", 1, &error), CONSORT_ECONSTRAINT);
	API_OK(consort_delete(c, "note", CONSORT_ARGS(consort_int64(0)), &error));
	API_OK(create_notes(c, "note", 1, &error));
	move(ports, slot, to, from);
	consort_close(c);
}

/* A key goes from a node that is still to be read to one that was, or the other way, in the middle of a scan:
 * it is met, once, in both. */
static void scan_meets_all(bool forward)
{
	struct consort *c = redis_open(SERVER, NULL, "page = 50", notes);
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_query *q;
	struct consort_cursor *rows = NULL;
	unsigned char *met = calloc(COUNT, 1);
	unsigned ports[3];
	char key[200];
	int slot, owner, id, count = 0, twice = 0, other;

	API_OK(create_notes(c, "note", COUNT, &error));
	redis_ports(SERVER, ports);
	q = consort_query_new(c, "note");
	consort_query_select(q, "id");
	API_OK(consort_query_run(q, CONSORT_NO_ARGS, &rows, &error));
	while (consort_cursor_next(rows, &error)) {
		int64_t found = consort_cursor_int64(rows, 0);

		twice += met[found]++;
		if (++count != COUNT / 2)
			continue;
		/* nodes are read in an order that we do not know: some of these are behind us, some before */
		for (id = 0; id < 40; id++) {
			snprintf(key, sizeof(key), "%s:%d", testing_name(), id);
			slot = slot_of(ports, key, &owner);
			other = (owner + (forward ? 1 : 2)) % 3;
			move(ports, slot, owner, other);
		}
	}
	CU_ASSERT_EQUAL(consort_cursor_status(rows), CONSORT_OK);
	CU_ASSERT_EQUAL(twice, 0);
	CU_ASSERT_EQUAL(count, COUNT);
	consort_cursor_close(rows);
	consort_query_free(q);
	free(met);
	consort_close(c);
}

static void test_scan_forward(void)
{
	scan_meets_all(true);
}

static void test_scan_backward(void)
{
	scan_meets_all(false);
}

/* A set goes to another node in the middle of a scan, where the place in it means something else. */
static void test_set_moves(void)
{
	static const char tags[] =
		"[resource tag]\ndatabase = db\nsource = %s\nrecord = set\nattribute.member = text\n";
	struct consort *c = redis_open(SERVER, NULL, "page = 50", tags);
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_query *q = consort_query_new(c, "tag");
	struct consort_cursor *rows = NULL;
	unsigned char met[8000] = {0};
	int slot, owner, count = 0, twice = 0;
	unsigned ports[3];

	redis_ask(SERVER, "eval \"for i=0,7999 do redis.call('SADD',KEYS[1],'m'..i) end\" 1 %s",
		  testing_name());
	redis_ports(SERVER, ports);
	API_OK(consort_query_run(q, CONSORT_NO_ARGS, &rows, &error));
	while (consort_cursor_next(rows, &error)) {
		twice += met[atoi(consort_cursor_text(rows, 0) + 1)]++;
		if (++count % 2000 != 0)
			continue;
		slot = slot_of(ports, testing_name(), &owner);
		move(ports, slot, owner, (owner + 1) % 3);
	}
	CU_ASSERT_EQUAL(consort_cursor_status(rows), CONSORT_OK);
	CU_ASSERT_EQUAL(twice, 0);
	CU_ASSERT_EQUAL(count, 8000);
	consort_cursor_close(rows);
	consort_query_free(q);
	consort_close(c);
}

/* With hash_tag = source all lie in one slot, and a batch is written all or none. */
static void test_close_together(void)
{
	struct consort *c = redis_open(SERVER, NULL, NULL, notes);
	struct consort_error error = CONSORT_ERROR_INIT;

	servers_start(SERVER);
	redis_ask(SERVER, "hset '{close-%s}:100' name before", testing_name());
	CU_ASSERT_EQUAL(create_notes(c, "close", 200, &error), CONSORT_ECONSTRAINT);
	TESTING_TEXT(api_find(c, "close", "id, name", NULL, NULL), "100,before");
	consort_close(c);
}

struct change {
	const unsigned *ports;
	const char *name;
	int slot, from, to, calls;
	bool late; /* the slot moves behind the write, not before it */
};

static enum consort_status change_note(struct consort *in, void *arg, struct consort_error *error)
{
	struct change *change = arg;
	struct consort_record *r = consort_record_new(in, "note");
	bool first = !change->calls++;
	enum consort_status status;

	consort_record_set(r, "id", consort_int64(0));
	consort_record_set(r, "name", consort_text(change->name));
	if (first && !change->late)
		move(change->ports, change->slot, change->from, change->to);
	status = consort_update(in, r, error);
	if (first && change->late)
		move(change->ports, change->slot, change->from, change->to);
	consort_record_free(r);
	return status;
}

/* The slot moves under a transaction, before its write or its commit: run again, it finds the new place. */
static void test_moves_in_transaction(void)
{
	const struct consort_begin_options options = {.struct_size = sizeof(options), .attempts = 3};
	struct consort *c = redis_open(SERVER, NULL, NULL, notes);
	struct consort_error error = CONSORT_ERROR_INIT;
	struct change change = {.name = "before"};
	unsigned ports[3];
	char key[200];

	API_OK(create_notes(c, "note", 1, &error));
	redis_ports(SERVER, ports);
	snprintf(key, sizeof(key), "%s:0", testing_name());
	change.ports = ports;
	change.slot = slot_of(ports, key, &change.from);
	change.to = (change.from + 1) % 3;
	API_OK(consort_transaction_with(c, "db", &options, change_note, &change, NULL, &error));
	CU_ASSERT_EQUAL(change.calls, 2);
	TESTING_TEXT(api_find(c, "note", "name", "id = 0", NULL), "before");
	change = (struct change){ports, "behind", change.slot, change.to, change.from, 0, true};
	API_OK(consort_transaction_with(c, "db", &options, change_note, &change, NULL, &error));
	CU_ASSERT_EQUAL(change.calls, 2);
	TESTING_TEXT(api_find(c, "note", "name", "id = 0", NULL), "behind");
	consort_close(c);
}

/* One node is stopped: what the others have is found, what it has is not, within the deadline. */
static void test_node_lost(void)
{
	struct consort *c = redis_open(SERVER, NULL, NULL, notes), *scope;
	struct consort_error error = CONSORT_ERROR_INIT;
	unsigned ports[3];
	char key[200], where[40];
	int id, owner, found = 0;
	int owners[30];

	API_OK(create_notes(c, "note", 30, &error));
	redis_ports(SERVER, ports);
	for (id = 0; id < 30; id++) {
		snprintf(key, sizeof(key), "%s:%d", testing_name(), id);
		slot_of(ports, key, &owner);
		owners[id] = owner;
	}
	/* it answers no client for some seconds; the cluster does not take it for lost */
	TESTING_TEXT(redis_ask_at(ports[2], "client pause 3000 all"), "OK;");
	for (id = 0; id < 30 && owners[id] != 2; id++)
		;
	CU_ASSERT_FATAL(id < 30);
	snprintf(where, sizeof(where), "id = %d", id);
	scope = redis_within(c, 50);
	TESTING_CONTAINS(api_find(scope, "note", "name", where, NULL), "status 13: ");
	consort_close(scope);
	for (id = 0; id < 30; id++) {
		if (owners[id] == 2)
			continue;
		snprintf(where, sizeof(where), "id = %d", id);
		found += !strcmp(api_find(c, "note", "name", where, NULL), "a name");
	}
	CU_ASSERT(found > 0);
	for (id = 0; id < 30; id++)
		found -= owners[id] != 2;
	CU_ASSERT_EQUAL(found, 0);
	TESTING_TEXT(api_find(c, "note", "count(*)", NULL, NULL), "30");
	consort_close(c);
}

/* --- a node that dies --- */

/* The first node is killed: its replica takes over, and all of the records are found again. */
static void test_taken_over(void)
{
	struct consort *c = redis_open(SPARE, NULL, NULL, notes);
	const char *manifest = redis_manifest(SPARE, NULL, NULL, notes);
	struct consort_error error = CONSORT_ERROR_INIT;
	const char *text, *id, *pids;
	unsigned ports[3];
	int tries = 0;

	API_OK(create_notes(c, "note", 300, &error));
	redis_ports(SPARE, ports);
	id = id_of(ports[0]);
	redis_ask_at(ports[0], "wait 1 10000");
	pids = redis_ask_at(ports[0], "info server");
	kill(atoi(strstr(pids, "process_id:") + strlen("process_id:")), SIGKILL);
	/* until then it is told that something is missing, and nothing is left out */
	do {
		text = api_find(c, "note", "count(*)", NULL, NULL);
		nanosleep(&(struct timespec){0, 50000000}, NULL);
	} while (!strncmp(text, "status 12: ", 11) && ++tries < 600);
	CU_ASSERT(tries > 0);
	TESTING_TEXT(text, "300");
	CU_ASSERT_PTR_NULL(strstr(redis_ask_at(ports[1], "cluster slots"), id));
	API_OK(create_notes(c, "close", 1, &error));
	consort_close(c);
	/* the first of the nodes that are named is dead: the others are asked */
	c = api_open(manifest);
	TESTING_TEXT(api_find(c, "note", "count(*)", NULL, NULL), "300");
	consort_close(c);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"slot-moves", test_slot_moves},
		{"scan-forward", test_scan_forward},
		{"scan-backward", test_scan_backward},
		{"close-together", test_close_together},
		{"set-moves", test_set_moves},
		{"moves-in-transaction", test_moves_in_transaction},
		{"node-lost", test_node_lost},
		{"taken-over", test_taken_over},
		{NULL, NULL},
	};
	int code = testing_main("redis-cluster", cases, argc, argv);

	servers_remove(SERVER);
	servers_remove(SPARE);
	return code;
}
