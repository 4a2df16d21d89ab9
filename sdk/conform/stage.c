/* SPDX-License-Identifier: Apache-2.0 */
/* Where tests write through the tables: a resource with records of ours, and who looks at them. */
#include "drive.h"

void stage_begin(struct stage *stage, struct conform *conform)
{
	memset(stage, 0, sizeof(*stage));
	stage->world = conform_frozen(sizeof(*stage->world));
	world_open(stage->world, conform, NULL);
	world_make(stage->world);
	world_need_writes(stage->world);
	subject_open(&stage->subject, conform);
	world_lend(stage->world, &stage->subject, false);
	stage->resource = stage->world->resource;
	stage->width = stage->resource->nattributes;
	stage->row = world_new_row(stage->world, 1);
}

void stage_connect(struct stage *stage)
{
	stage->other = stage->subject;
	stage->other.call = STRUCT(struct consort_call);
	stage->other.connection = subject_connect(&stage->subject);
}

void stage_by_key(const struct stage *stage, struct writing *writing, const uint32_t *first, uint32_t nfirst)
{
	const struct consort_resource *resource = stage->resource;
	uint32_t *attributes = conform_frozen((nfirst + resource->nkeys) * sizeof(*attributes)), i;

	for (i = 0; i < nfirst; i++)
		attributes[i] = first[i];
	for (i = 0; i < resource->nkeys; i++)
		attributes[nfirst + i] = resource->keys[i];
	writing->attributes = attributes;
	writing->nattributes = nfirst + resource->nkeys;
	writing->nkeys = resource->nkeys;
}

uint32_t stage_free(const struct stage *stage)
{
	uint32_t i;

	for (i = 0; i < stage->width; i++)
		if (!world_is_key(stage->world, i) &&
		    !(stage->resource->attributes[i]->flags & CONSORT_ATTRIBUTE_READ_ONLY))
			return i;
	conform_skip("'%s' has no attribute but its key", stage->resource->name);
}

struct consort_value *stage_pick(const struct writing *writing, const struct consort_value *row)
{
	struct consort_value *picked = conform_frozen((writing->nattributes + 1) * sizeof(*picked));
	uint32_t i;

	for (i = 0; i < writing->nattributes; i++)
		picked[i] = row[writing->attributes[i]];
	return picked;
}

void stage_end(struct stage *stage, size_t nrows)
{
	struct writing writing = {0};
	size_t i;

	stage_by_key(stage, &writing, NULL, 0);
	for (i = 0; i <= nrows && !stage->world->made && subject_has(&stage->subject, CONSORT_FEATURE_DELETE);
	     i++)
		subject_write(&stage->subject, stage->subject.plugin->write->remove, stage->resource,
			      &writing, stage_pick(&writing, world_new_row(stage->world, i)), 1);
	if (stage->other.connection)
		stage->other.plugin->connection->close(stage->other.connection, stage->other.call);
	subject_close(&stage->subject);
	world_close(stage->world);
}

void stage_insert(struct stage *stage, struct subject *subject, const struct consort_value *row)
{
	struct writing writing = {0};

	subject_need(
		subject,
		subject_write(subject, subject->plugin->write->insert, stage->resource, &writing, row, 1),
		"write.insert");
}

static bool has_key(const struct stage *stage, const struct consort_batch *batch, int64_t at,
		    const struct consort_value *row)
{
	uint32_t i;

	for (i = 0; i < stage->resource->nkeys; i++) {
		const uint32_t key = stage->resource->keys[i];
		const struct consort_value value = conform_batch_value(batch, key, at);

		if (!conform_value_equal(&value, &row[key]))
			return false;
	}
	return true;
}

struct consort_value *stage_find(struct stage *stage, struct subject *subject,
				 const struct consort_value *row)
{
	struct consort_value *found = NULL;
	struct reading reading;
	int64_t r;
	uint32_t i;

	subject_need(subject, subject_read(subject, tree_scan(stage->resource), NULL, 0, NULL, &reading),
		     "opening a cursor");
	do {
		subject_need(subject, subject_next(subject, &reading), "query.next");
		for (r = 0; r < reading.batch->nrows; r++) {
			if (!has_key(stage, reading.batch, r, row))
				continue;
			REQUIRE(!found, "there are two records with one key");
			found = conform_frozen((stage->width + 1) * sizeof(*found));
			for (i = 0; i < stage->width; i++)
				found[i] = conform_batch_value(reading.batch, i, r);
		}
	} while (reading.batch->nrows && !(reading.batch->flags & CONSORT_BATCH_LAST));
	subject_end(subject, &reading);
	return found;
}

void stage_expect(struct stage *stage, const struct consort_value *row, const char *when)
{
	struct consort_value *found = stage_find(stage, &stage->subject, row);
	uint32_t i;

	REQUIRE(found, "%s the record is not there", when);
	for (i = 0; i < stage->width; i++) {
		struct consort_buffer is = CONSORT_BUFFER_INIT, was = CONSORT_BUFFER_INIT;

		if (conform_value_equal(&found[i], &row[i]))
			continue;
		conform_value_print(&found[i], &is);
		conform_value_print(&row[i], &was);
		conform_fail("%s '%s' is %s, not %s", when, stage->resource->attributes[i]->name, is.data,
			     was.data);
	}
}
