/* SPDX-License-Identifier: Apache-2.0 */
/*
 * COPY of a statement's rows. It takes no parameters, so their values are written into the statement: as
 * texts in quotes, cast to what the parameter's type is, and made of the very fields that would be sent.
 * Where a value has no text that surely means the same, rows come in another way.
 */
#include "cursor.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sql.h"

#define VALUES_MOST (1 << 16) /* bytes of all parameters */

/* A parameter's value of the field that it is sent as. False: it is not written. */
static bool read_field(uint8_t codec, const char *data, int size, struct consort_value *out)
{
	union {
		uint64_t bits;
		double number;
	} word = {0};

	switch (codec) {
	case PG_BOOL:
		*out = consort_bool(*data != 0);
		return true;
	case PG_INT4:
		*out = consort_int64((int32_t)pg_get32(data));
		return true;
	case PG_INT8:
		*out = consort_int64((int64_t)pg_get64(data));
		return true;
	case PG_FLOAT8:
		word.bits = pg_get64(data);
		*out = consort_float64(word.number);
		return isfinite(word.number);
	case PG_TEXT:
		*out = consort_text_n(data, (uint64_t)size);
		return true;
	case PG_TIMESTAMP:
	case PG_TIMESTAMPTZ:
		word.bits = pg_get64(data);
		*out = consort_timestamp((int64_t)(word.bits + (uint64_t)PG_EPOCH_MICROSECONDS));
		return true;
	case PG_DATE:
		*out = consort_date((int32_t)(pg_get32(data) + PG_EPOCH_DAYS));
		return true;
	case PG_UUID:
		*out = consort_uuid((const uint8_t *)data);
		return true;
	default:
		return false;
	}
}

static bool append_numeric(const char *data, int size, struct consort_buffer *out)
{
	struct pg_numeric numeric;

	if (!pg_numeric_read(data, (size_t)size, &numeric))
		return false;
	consort_buffer_char(out, '\'');
	pg_numeric_print(&numeric, out);
	consort_buffer_text(out, "'::numeric");
	return true;
}

/* '…'::type */
static bool append_parameter(const struct pg_connection *conn, const struct pg_compiled *compiled,
			     unsigned long number, struct consort_buffer *out)
{
	const struct consort_sql_slot *slot = &compiled->base.slots[number - 1];
	const struct pg_storage *storage = pg_slot_storage(slot);
	const char *data = conn->values[number - 1];
	int size = conn->lengths[number - 1];
	struct consort_value value;

	if (slot->source == CONSORT_SQL_KEY)
		return false;
	if (!data) {
		consort_buffer_printf(out, "NULL::%s", pg_codecs[storage->codec].name);
		return storage->codec != PG_ARRAY;
	}
	if (storage->codec == PG_NUMERIC)
		return append_numeric(data, size, out);
	if (!read_field(storage->codec, data, size, &value) || !pg_is_plain(&value))
		return false;
	pg_append_quoted(&value, storage, out);
	return true;
}

/* The statement with the values that the connection points to. A placeholder is $N outside of quotes; a quote
 * inside of them is doubled. */
static bool append_statement(const struct pg_connection *conn, const struct pg_compiled *compiled,
			     struct consort_buffer *out)
{
	const char *at = compiled->base.sql, *start = at;
	unsigned long number;
	char *end;

	while (*at) {
		if (*at == '\'' || *at == '"') {
			at = strchr(at + 1, *at);
			if (!at)
				return false;
		} else if (*at == '$') {
			number = strtoul(at + 1, &end, 10);
			if (!number || number > compiled->base.nslots)
				return false;
			consort_buffer_append(out, start, (size_t)(at - start));
			if (!append_parameter(conn, compiled, number, out))
				return false;
			at = start = end;
			continue;
		}
		at++;
	}
	consort_buffer_append(out, start, (size_t)(at - start));
	return true;
}

bool pg_make_copy(struct pg_connection *conn, const struct pg_compiled *compiled)
{
	struct consort_buffer *text = &conn->text;

	if (conn->cells.size > VALUES_MOST)
		return false;
	consort_buffer_reset(text);
	consort_buffer_text(text, "COPY (");
	if (!append_statement(conn, compiled, text))
		return false;
	consort_buffer_text(text, ") TO STDOUT (FORMAT binary)");
	return !text->failed;
}
