/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create, update and upsert: one record from NAME=VALUE operands, or many from JSON Lines on standard input,
 * all or none of them where the database has transactions. update also changes the records of a condition.
 */
#include "tools.h"

#include <unistd.h>

#define RECORDS_AT_ONCE 1000

typedef enum consort_status write_one(struct consort *c, struct consort_record *r,
				      struct consort_error *error);
typedef enum consort_status write_many(struct consort *c, struct consort_record *const *records, size_t count,
				       uint32_t flags, uint32_t *statuses, struct consort_error *error);

struct kind {
	write_one *one;
	write_many *many;
	const char *done; /* "created" */
};

/* What one run works with. */
struct write {
	struct tool *tool;
	const struct kind *kind;
	const struct consort_resource *resource;
	struct row row;
	struct consort_record *records[RECORDS_AT_ONCE];
	uint64_t lines[RECORDS_AT_ONCE];
	size_t count;
	uint64_t written;
};

static enum consort_status fill_record(struct write *w, struct consort_record *record,
				       struct consort_error *error)
{
	uint32_t i;

	for (i = 0; i < w->resource->nattributes; i++)
		if (w->row.set[i])
			consort_record_set(record, w->resource->attributes[i]->name, w->row.values[i]);
	return consort_record_status(record, error);
}

/* The record as the database has it, in place of what was named of it; one whose key is not known stays as it
 * is. */
static enum consort_status read_stored(const struct write *w, struct consort *in,
				       struct consort_record **record, struct consort_error *error)
{
	const struct consort_resource *resource = w->resource;
	struct consort_value *key = calloc((size_t)resource->nkeys + 1, sizeof(*key));
	struct consort_record *stored = NULL;
	enum consort_status status = CONSORT_OK;
	bool known = resource->nkeys > 0;
	uint32_t i;

	if (!key)
		return consort_error_no_memory(error);
	for (i = 0; i < resource->nkeys; i++) {
		key[i] = consort_record_value(*record, resource->keys[i]);
		known &= !consort_value_is_null(&key[i]);
	}
	if (known)
		status = consort_get(in, resource->name, (struct consort_args){key, resource->nkeys}, &stored,
				     error);
	free(key);
	if (!status && stored) {
		consort_record_free(*record);
		*record = stored;
	}
	return status;
}

struct returning {
	struct write *w;
	struct consort_record **record;
};

static enum consort_status write_and_read(struct consort *in, void *arg, struct consort_error *error)
{
	const struct returning *returning = arg;
	enum consort_status status = returning->w->kind->one(in, *returning->record, error);

	return status ? status : read_stored(returning->w, in, returning->record, error);
}

/* Writes one record; `returning`: and reads it before anybody else changes it, where a transaction can.
 */
static enum consort_status write_record(struct write *w, struct consort_record **record, bool returning,
					struct consort_error *error)
{
	struct returning both = {w, record};
	struct consort *c = w->tool->c;

	if (!returning)
		return w->kind->one(c, *record, error);
	if (!consort_supports(c, w->resource->database, CONSORT_FEATURE_READ_YOUR_WRITES, NULL))
		return write_and_read(c, &both, error);
	return consort_transaction(c, w->resource->database, write_and_read, &both, NULL, error);
}

static enum consort_status write_operands(struct write *w, const char *const *operands, size_t noperands,
					  bool returning, struct consort_error *error)
{
	struct consort_record *record = consort_record_new(w->tool->c, w->resource->name);
	enum consort_status status = CONSORT_OK;
	size_t i;

	if (!record)
		return consort_error_no_memory(error);
	for (i = 0; !status && i < noperands; i++)
		status = row_assign(&w->row, operands[i], error);
	if (!status)
		status = fill_record(w, record, error);
	if (!status)
		status = write_record(w, &record, returning, error);
	if (!status)
		report_note(w->tool, "%s 1 record of %s", w->kind->done, w->resource->name);
	if (!status && returning)
		status = output_records(w->tool, w->resource, &record, 1, error);
	consort_record_free(record);
	return status;
}

static enum consort_status write_batch(struct write *w, struct consort *in, struct consort_error *error)
{
	uint32_t statuses[RECORDS_AT_ONCE] = {0};
	enum consort_status status;
	size_t i;

	if (!w->count)
		return CONSORT_OK;
	status = w->kind->many(in, w->records, w->count, 0, statuses, error);
	for (i = 0; status && i < w->count; i++)
		if (statuses[i] == (uint32_t)status) {
			consort_error_prefix(error, "standard input: line %llu",
					     (unsigned long long)w->lines[i]);
			break;
		}
	if (!status)
		w->written += w->count;
	w->count = 0;
	return status;
}

/* Appends the record of one line; blank ones are none. */
static enum consort_status take_line(struct write *w, struct consort_view line, uint64_t number,
				     struct consort_error *error)
{
	enum consort_status status;

	lines_trim(&line);
	if (!line.size)
		return CONSORT_OK;
	if (!w->records[w->count])
		w->records[w->count] = consort_record_new(w->tool->c, w->resource->name);
	if (!w->records[w->count])
		return consort_error_no_memory(error);
	consort_record_clear(w->records[w->count]);
	row_reset(&w->row);
	status = row_set_object(&w->row, line, NULL, NULL, error);
	if (!status)
		status = fill_record(w, w->records[w->count], error);
	if (status) {
		consort_error_prefix(error, "standard input: line %llu", (unsigned long long)number);
		return status;
	}
	w->lines[w->count++] = number;
	return CONSORT_OK;
}

static enum consort_status write_lines(struct write *w, struct consort *in, struct consort_error *error)
{
	enum consort_status status;
	struct consort_view line;
	struct lines lines;

	lines_init(&lines, STDIN_FILENO, "standard input");
	for (;;) {
		status = lines_next(&lines, &line, error);
		if (status || !line.size)
			break;
		status = take_line(w, line, lines.number, error);
		if (!status && w->count == RECORDS_AT_ONCE)
			status = write_batch(w, in, error);
		if (status)
			break;
	}
	if (!status)
		status = write_batch(w, in, error);
	lines_clear(&lines);
	return status;
}

static enum consort_status write_standard_input(struct write *w, struct consort_error *error)
{
	bool whole = consort_supports(w->tool->c, w->resource->database, CONSORT_FEATURE_ATOMIC_COMMIT, NULL);
	struct consort *in = NULL;
	enum consort_status status = CONSORT_OK;
	char number[REPORT_NUMBER_SIZE];
	size_t i;

	if (whole)
		status = consort_begin(w->tool->c, w->resource->database, &in, error);
	if (status)
		return status;
	status = write_lines(w, whole ? in : w->tool->c, error);
	for (i = 0; i < RECORDS_AT_ONCE; i++)
		consort_record_free(w->records[i]);
	if (whole && status)
		consort_rollback(in, NULL);
	else if (whole)
		status = consort_commit(in, NULL, error);
	if (!status)
		report_note(w->tool, "%s %s of %s", w->kind->done, report_records(w->written, number),
			    w->resource->name);
	else if (status != CONSORT_EINDOUBT)
		report_append_count(error, whole ? 0 : w->written, w->kind->done);
	return status;
}

/* `"a" = $3, "b" = $4`: the row's values as parameters behind those of the condition. */
static enum consort_status make_assignments(const struct write *w, size_t nparameters,
					    struct consort_value *values, struct consort_buffer *out,
					    struct consort_error *error)
{
	uint32_t i;

	for (i = 0; i < w->resource->nattributes; i++) {
		const char *name = w->resource->attributes[i]->name;

		if (!w->row.set[i])
			continue;
		if (out->size)
			consort_buffer_text(out, ", ");
		consort_buffer_quoted(out, name, strlen(name), '"');
		values[nparameters++] = w->row.values[i];
		consort_buffer_printf(out, " = $%zu", nparameters);
	}
	return out->failed ? consort_error_no_memory(error) : CONSORT_OK;
}

static enum consort_status update_where(struct write *w, const struct query_options *options,
					const char *const *operands, size_t noperands,
					struct consort_error *error)
{
	struct consort_buffer assignments = CONSORT_BUFFER_INIT;
	char number[REPORT_NUMBER_SIZE];
	struct consort_value *values;
	struct consort_args all;
	enum consort_status status;
	int64_t affected = 0;
	struct query query;
	size_t i;

	status = query_begin(&query, w->tool, w->resource->name, options, false, error);
	for (i = 0; !status && i < noperands; i++)
		status = row_assign(&w->row, operands[i], error);
	if (status)
		goto out;
	all.count = query.parameters.count + noperands;
	all.values = values = consort_arena_array(&query.arena, (size_t)all.count, sizeof(*values));
	if (!values) {
		status = consort_error_no_memory(error);
		goto out;
	}
	memcpy(values, query.parameters.values, (size_t)query.parameters.count * sizeof(*values));
	status = make_assignments(w, (size_t)query.parameters.count, values, &assignments, error);
	if (!status)
		status = consort_update_where(query.query, assignments.data, all, &affected, error);
	if (!status) {
		report_note(w->tool, "updated %s of %s", report_records((uint64_t)affected, number),
			    w->resource->name);
		w->tool->nothing = !affected;
	}
out:
	query_end(&query);
	consort_buffer_clear(&assignments);
	return status;
}

/* Which of the ways above the operands ask for. */
static enum consort_status dispatch(struct write *w, struct args *args, const struct query_options *query,
				    bool returning, struct consort_error *error)
{
	const char *const *operands = args->operands + 1;
	size_t noperands = args->noperands - 1;
	bool standard_input = !strcmp(operands[0], "-") && noperands == 1;

	if (query->nparameters && !query->where)
		return args_usage(args, error, "-p belongs to a condition (-w)");
	if (returning && (standard_input || query->where))
		return args_usage(args, error, "--returning goes with one record");
	if (query->where)
		return update_where(w, query, operands, noperands, error);
	if (standard_input)
		return write_standard_input(w, error);
	return write_operands(w, operands, noperands, returning, error);
}

static enum consort_status run_write(struct tool *tool, struct args *args, const struct kind *kind,
				     struct consort_error *error)
{
	struct query_options query;
	struct write *w = NULL;
	bool returning = false;
	enum consort_status status;
	int option;

	query_options_init(&query);
	while ((option = args_next(args, error)) > 0) {
		if (option == 'r')
			returning = true;
		else if (query_option(&query, args, option, error)) {
			status = CONSORT_EINVAL;
			goto out;
		}
	}
	status = args->status;
	if (option < 0)
		goto out;
	status = args_count(args, 2, SIZE_MAX, "a resource, and NAME=VALUE or '-', are", error);
	if (!status)
		status = session_open(tool, error);
	w = calloc(1, sizeof(*w));
	if (!w && !status)
		status = consort_error_no_memory(error);
	if (status)
		goto out;
	w->tool = tool;
	w->kind = kind;
	status = consort_describe(tool->c, args->operands[0], &w->resource, error);
	if (!status)
		status = row_init(&w->row, w->resource, error);
	if (!status) {
		status = dispatch(w, args, &query, returning, error);
		row_clear(&w->row);
	}
out:
	free(w);
	query_options_clear(&query);
	return status;
}

static enum consort_status run_create(struct tool *tool, struct args *args, struct consort_error *error)
{
	static const struct kind create = {consort_create, consort_create_many, "created"};

	return run_write(tool, args, &create, error);
}

static enum consort_status run_update(struct tool *tool, struct args *args, struct consort_error *error)
{
	static const struct kind update = {consort_update, consort_update_many, "updated"};

	return run_write(tool, args, &update, error);
}

static enum consort_status run_upsert(struct tool *tool, struct args *args, struct consort_error *error)
{
	static const struct kind upsert = {consort_upsert, consort_upsert_many, "upserted"};

	return run_write(tool, args, &upsert, error);
}

#define HELP_VALUES                                                                          \
	"NAME=VALUE is a text of the attribute's type, NAME= the empty text; NAME:=JSON a\n" \
	"JSON value, so NAME:=null is NULL. '-' reads a JSON object from each line of\n"     \
	"standard input: all or none of them where the database has transactions.\n"

static const char help_create[] = "Usage: consort create RESOURCE NAME=VALUE...\n"
				  "       consort create RESOURCE -\n"
				  "Makes records.\n"
				  "\n" HELP_VALUES "\n"
				  "  -r, --returning        show the whole record as it is stored\n"
				  "  -f, --format FORMAT    how to show it\n"
				  "\n"
				  "Example: consort create airport iata=XYZ name='New Field' city:=null\n";

static const char help_update[] =
	"Usage: consort update RESOURCE NAME=VALUE...\n"
	"       consort update RESOURCE -w EXPR [-p VALUE]... NAME=VALUE...\n"
	"       consort update RESOURCE -\n"
	"Changes the attributes that are named: of the record whose key is among them, or\n"
	"of all records that meet the condition.\n"
	"\n" HELP_VALUES "\n"
	"  -w, --where EXPR       which records; $1, $2, ... stand for parameters\n"
	"  -p, --param VALUE      the next parameter;  --null  the next one is NULL\n"
	"  -r, --returning        show the whole record as it is stored (one by key only)\n"
	"\n"
	"Exit status: 0, or 1 if there is no such record, or as in consort(1).\n"
	"\n"
	"Example: consort update flight id=17 delay_min=0\n";

static const char help_upsert[] =
	"Usage: consort upsert RESOURCE NAME=VALUE...\n"
	"       consort upsert RESOURCE -\n"
	"Makes records, or changes those that are there, by the key, which is needed.\n"
	"\n" HELP_VALUES "\n"
	"  -r, --returning        show the whole record as it is stored\n"
	"  -f, --format FORMAT    how to show it\n"
	"\n"
	"Example: consort upsert airport iata=SFO name='San Francisco International'\n";

static const struct option options[] = {{"returning", no_argument, NULL, 'r'}, {NULL, 0, NULL, 0}};
static const struct option update_options[] = {
	{"returning", no_argument, NULL, 'r'},
	{"where", required_argument, NULL, 'w'},
	{"param", required_argument, NULL, 'p'},
	{"null", no_argument, NULL, QUERY_NULL},
	{NULL, 0, NULL, 0},
};

const struct command command_create = {
	.name = "create", .help = help_create, .letters = "r", .options = options, .run = run_create};
const struct command command_update = {.name = "update",
				       .help = help_update,
				       .letters = "rw:p:",
				       .options = update_options,
				       .run = run_update};
const struct command command_upsert = {
	.name = "upsert", .help = help_upsert, .letters = "r", .options = options, .run = run_upsert};
