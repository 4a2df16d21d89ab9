/* SPDX-License-Identifier: Apache-2.0 */
/* Uses acme as any program does: through the resource that consort.ini names, without a word about the engine. */
#include <inttypes.h>
#include <stdio.h>

#include <consort/consort.h>

static enum consort_status create(struct consort *c, int64_t id, const char *text, struct consort_error *error)
{
	struct consort_record *note = consort_record_new(c, "note");
	enum consort_status status;

	consort_record_set(note, "id", consort_int64(id));
	consort_record_set(note, "text", consort_text(text));
	status = consort_create(c, note, error);
	consort_record_free(note);
	return status;
}

static enum consort_status print(struct consort *c, struct consort_error *error)
{
	struct consort_query *query = consort_query_new(c, "note");
	struct consort_cursor *rows = NULL;
	enum consort_status status;

	consort_query_where(query, "id = $1");
	status = consort_query_run(query, CONSORT_ARGS(consort_int64(2)), &rows, error);
	while (!status && consort_cursor_next(rows, error))
		printf("%" PRId64 ": %s\n", consort_cursor_int64(rows, 0), consort_cursor_text(rows, 1));
	if (!status)
		status = consort_cursor_status(rows);
	consort_cursor_close(rows);
	consort_query_free(query);
	return status;
}

int main(int argc, char **argv)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = NULL;
	enum consort_status status = consort_open(argc > 1 ? argv[1] : "consort.ini", &c, &error);

	if (!status)
		status = create(c, 1, "first", &error);
	if (!status)
		status = create(c, 2, "second", &error);
	if (!status)
		status = print(c, &error);
	if (status)
		fprintf(stderr, "try: %s\n", consort_error_text(&error));
	consort_close(c);
	return status != CONSORT_OK;
}
