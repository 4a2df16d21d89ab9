/* SPDX-License-Identifier: Apache-2.0 */
/* A row to a document, or to what sets some fields of one. NULL is a field that is not there. */
#include "write.h"

#include <string.h>

static bool is_null(const struct mongo_writing *writing, uint32_t column, int64_t row)
{
	const struct consort_column *of = &writing->rows->columns[column];

	return of->type.id == CONSORT_TYPE_NULL || consort_column_is_null(of, row);
}

static uint32_t append(struct mongo_writing *writing, uint32_t column, int64_t row, bson_t *out,
		       const char *key, size_t size)
{
	const struct mongo_field *field = &writing->fields[column];

	return mongo_encode_cell(&field->storage, &writing->rows->columns[column], row,
				 field->attribute->name, out, key, size, writing->error);
}

static uint32_t no_key(struct mongo_writing *writing, const struct consort_attribute *attribute)
{
	consort_error_set(writing->error, CONSORT_ECONSTRAINT,
			  "attribute '%s' is part of the key, and has no value", attribute->name);
	consort_copy_text(writing->error->attribute, sizeof(writing->error->attribute), attribute->name);
	return CONSORT_ECONSTRAINT;
}

/* --- fields without an attribute --- */

/* The members of a document that is kept in fields of its own. */
static uint32_t append_rest(struct mongo_writing *writing, uint32_t column, int64_t row, bool sets,
			    bson_t *out)
{
	const struct mongo_field *field = &writing->fields[column];
	struct consort_view json = consort_column_view(&writing->rows->columns[column], row);
	bson_t members = BSON_INITIALIZER;
	uint32_t status = mongo_parse_members(json, NULL, &members, writing->error);
	bson_iter_t at;

	bson_iter_init(&at, &members);
	while (!status && bson_iter_next(&at)) {
		const char *key = bson_iter_key(&at);

		if (mongo_is_field(writing->write->resource, key, strlen(key)))
			status = consort_error_set(writing->error, CONSORT_ERANGE,
						   "the field '%s' belongs to another attribute", key);
		else if (sets && (!*key || *key == '$' || strchr(key, '.')))
			status = consort_error_set(writing->error, CONSORT_ERANGE,
						   "MongoDB cannot set a field of the name '%s' by itself",
						   key);
	}
	if (status && status != CONSORT_ENOMEM)
		consort_error_prefix(writing->error, "attribute '%s'", field->attribute->name);
	if (!status)
		bson_concat(out, &members);
	bson_destroy(&members);
	return status;
}

/* --- whole documents --- */

/* Appends the fields whose sources begin with the same components as that of `like`, up to `from`; parts of
 * one document go together, wherever they stand. */
static uint32_t append_fields(struct mongo_writing *writing, int64_t row, const char *like, size_t from,
			      bson_t *out)
{
	uint32_t status = CONSORT_OK, i;

	for (i = 0; !status && i < writing->write->nattributes; i++) {
		struct mongo_field *field = &writing->fields[i];
		const char *source = field->attribute->source, *key = source + from;
		size_t size = strcspn(key, ".");
		bson_t inside;

		if (field->done == writing->run || (from && strncmp(source, like, from)) ||
		    is_null(writing, i, row))
			continue;
		if (field->storage.codec == MONGO_REST) {
			field->done = writing->run;
			status = append_rest(writing, i, row, false, out);
		} else if (!key[size]) {
			field->done = writing->run;
			status = append(writing, i, row, out, key, size);
		} else {
			bson_append_document_begin(out, key, (int)size, &inside);
			status = append_fields(writing, row, source, from + size + 1, &inside);
			bson_append_document_end(out, &inside);
		}
	}
	return status;
}

uint32_t mongo_make_document(struct mongo_writing *writing, int64_t row, bson_t *out)
{
	bool given = false;
	bson_oid_t oid;
	uint32_t i;

	for (i = 0; i < writing->write->nattributes; i++) {
		const struct mongo_field *field = &writing->fields[i];

		if (strcmp(field->attribute->source, "_id"))
			continue;
		given = !is_null(writing, i, row);
		if (!given && field->storage.codec != MONGO_OBJECTID)
			return no_key(writing, field->attribute);
	}
	if (!given) {
		bson_oid_init(&oid, NULL);
		BSON_APPEND_OID(out, "_id", &oid);
	}
	writing->run++;
	return append_fields(writing, row, "", 0, out);
}

/* --- parts --- */

uint32_t mongo_make_query(struct mongo_writing *writing, int64_t row, bson_t *out)
{
	uint32_t status = CONSORT_OK, i;

	for (i = 0; !status && i < writing->write->nattributes; i++) {
		const struct mongo_field *field = &writing->fields[i];
		const char *source = field->attribute->source;

		if (!field->key)
			continue;
		if (is_null(writing, i, row))
			return no_key(writing, field->attribute);
		status = append(writing, i, row, out, source, strlen(source));
	}
	return status;
}

uint32_t mongo_make_sets(struct mongo_writing *writing, int64_t row, bson_t *out)
{
	bson_t set = BSON_INITIALIZER, unset = BSON_INITIALIZER;
	uint32_t status = CONSORT_OK, i;

	for (i = 0; !status && i < writing->write->nattributes; i++) {
		const struct mongo_field *field = &writing->fields[i];
		const char *source = field->attribute->source;

		if (field->key)
			continue;
		if (!is_null(writing, i, row) && field->storage.codec == MONGO_REST)
			status = append_rest(writing, i, row, true, &set);
		else if (!is_null(writing, i, row))
			status = append(writing, i, row, &set, source, strlen(source));
		else if (field->storage.codec != MONGO_REST)
			BSON_APPEND_BOOL(&unset, source, true);
	}
	if (!bson_empty(&set))
		BSON_APPEND_DOCUMENT(out, "$set", &set);
	if (!bson_empty(&unset))
		BSON_APPEND_DOCUMENT(out, "$unset", &unset);
	if (!status &&
	    bson_empty(out)) { /* nothing but a key: what the query says is put, or there already */
		bson_reinit(&set);
		status = mongo_make_query(writing, row, &set);
		BSON_APPEND_DOCUMENT(out, "$setOnInsert", &set);
	}
	bson_destroy(&set);
	bson_destroy(&unset);
	return status;
}
