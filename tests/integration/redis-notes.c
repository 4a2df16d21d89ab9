/* SPDX-License-Identifier: Apache-2.0 */
#include "redis-notes.h"

#include <string.h>

#include <consort/buffer.h>

/* Of the record that the case is about; a case's name begins with it. */
static const char *record(void)
{
	return strncmp(testing_name(), "json", 4) ? "hash" : "json";
}

const char *notes_resources(void)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;

	consort_buffer_printf(
		&text,
		"[resource note]\ndatabase = db\nsource = %%s\nkey = id\nrecord = %s\n"
		"attribute.id = int64\nattribute.name = text\nattribute.size = int64\n"
		"[resource brief]\ndatabase = db\nsource = brief-%%s\nkey = id\nrecord = %s\nttl = 1h\n"
		"attribute.id = int64\nattribute.name = text\n"
		"attribute.ends = timestamp codec expires\n"
		"[resource close]\ndatabase = db\nsource = close-%%s\nkey = id\nrecord = %s\n"
		"hash_tag = source\nattribute.id = int64\nattribute.name = text\nindex.name = name\n",
		record(), record(), record());
	return testing_keep(consort_buffer_steal(&text));
}

struct consort *notes_open(const char *server, const struct proxy *proxy)
{
	return redis_open(server, proxy, NULL, notes_resources());
}

struct consort *notes_begin(struct consort *c)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *in = NULL;

	API_OK(consort_begin(c, "db", &in, &error));
	return in;
}

enum consort_status notes_put_into(notes_write_fn *fn, struct consort *c, const char *resource, int64_t id,
				   const char *name, struct consort_error *error)
{
	struct consort_record *r = consort_record_new(c, resource);
	enum consort_status status;

	consort_record_set(r, "id", consort_int64(id));
	if (name)
		consort_record_set(r, "name", consort_text(name));
	status = fn(c, r, error);
	consort_record_free(r);
	return status;
}

enum consort_status notes_put(notes_write_fn *fn, struct consort *c, int64_t id, const char *name,
			      struct consort_error *error)
{
	return notes_put_into(fn, c, "note", id, name, error);
}

enum consort_status notes_drop(struct consort *c, int64_t id, struct consort_error *error)
{
	return consort_delete(c, "note", CONSORT_ARGS(consort_int64(id)), error);
}

const char *notes_all(struct consort *c)
{
	return api_find(c, "note", "id, name", NULL, "id");
}

enum consort_status notes_commit(struct consort *in, uint32_t *out_kind, struct consort_error *error)
{
	struct consort_outcome outcome = {.struct_size = sizeof(outcome), .kind = 99};
	enum consort_status status = consort_commit(in, &outcome, error);

	*out_kind = outcome.kind;
	return status;
}
