/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as JSON. Either all ways of reading refuse them for the same reason, or all take them; the
 * compact text stays as it is when it is made compact again; and a path finds what going through the members
 * finds.
 */
#include "fuzz.h"

#include <consort/convert.h>
#include <consort/json.h>

#include <string.h>

/* The members or elements that were seen, and what the second reader says of each. */
struct walk {
	struct consort_json_reader *other;
	struct consort_view document;
	int64_t count;
};

static void same_value(struct walk *walk, const struct consort_json_step *step,
		       const struct consort_json_value *value)
{
	struct consort_json_value again;

	FUZZ_CHECK(!consort_json_at(walk->other, walk->document, step, 1, &again, NULL));
	FUZZ_CHECK(again.kind == value->kind && again.boolean == value->boolean &&
		   again.text.size == value->text.size);
	FUZZ_CHECK(!value->text.size || !memcmp(again.text.data, value->text.data, value->text.size));
}

static uint32_t on_member(void *context, struct consort_view key, const struct consort_json_value *value)
{
	struct consort_json_step step = {key.data ? key.data : "", key.size, 0};
	struct walk *walk = context;

	FUZZ_CHECK(consort_utf8_valid(key.data, key.size, NULL));
	if (walk->count++ < 16)
		same_value(walk, &step, value);
	return CONSORT_OK;
}

static uint32_t on_element(void *context, const struct consort_json_value *value)
{
	struct walk *walk = context;
	struct consort_json_step step = {NULL, 0, walk->count++};

	FUZZ_CHECK(consort_utf8_valid(value->text.data, value->text.size, NULL));
	if (step.index < 16)
		same_value(walk, &step, value);
	return CONSORT_OK;
}

static void walk_children(struct consort_json_reader *reader, struct consort_json_reader *other,
			  struct consort_view document, uint32_t root)
{
	struct walk walk = {other, document, 0};
	struct consort_json_step last = {NULL, 0, -1}, position = {NULL, 0, 0};
	struct consort_json_value value;
	uint32_t status = consort_json_members(reader, document, on_member, &walk, NULL);

	/* an object may have a member twice */
	FUZZ_CHECK(root == CONSORT_JSON_OBJECT ? !status || status == CONSORT_ERANGE : status == CONSORT_ETYPE);
	walk.count = 0;
	FUZZ_CHECK(consort_json_elements(reader, document, on_element, &walk, NULL) ==
		   (root == CONSORT_JSON_ARRAY ? CONSORT_OK : CONSORT_ETYPE));
	if (!walk.count)
		return;
	FUZZ_CHECK(!consort_json_at(reader, document, &last, 1, &value, NULL));
	position.index = walk.count - 1;
	walk.other = other;
	same_value(&walk, &position, &value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct consort_json_reader *reader, *other;
	static struct consort_buffer first, second;
	struct consort_view document = {(const char *)data, size}, compact;
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_json_value root;
	uint32_t status;

	if (!reader)
		reader = consort_json_reader_new();
	if (!other)
		other = consort_json_reader_new();
	FUZZ_CHECK(reader && other);
	consort_buffer_reset(&first);
	consort_buffer_reset(&second);
	status = consort_json_compact(reader, document, &first, &error);
	FUZZ_CHECK(consort_json_at(other, document, NULL, 0, &root, NULL) == status);
	if (status) {
		FUZZ_CHECK(status == CONSORT_ESYNTAX || status == CONSORT_ERANGE);
		FUZZ_CHECK(error.status == status && error.message[0] && !first.size);
		FUZZ_CHECK(error.position >= 0 && (uint64_t)error.position <= size);
		return 0;
	}
	compact.data = first.data;
	compact.size = first.size;
	FUZZ_CHECK(consort_utf8_valid(compact.data, compact.size, NULL));
	FUZZ_CHECK(!consort_json_compact(reader, compact, &second, NULL));
	FUZZ_CHECK(first.size == second.size && !memcmp(first.data, second.data, first.size));
	walk_children(reader, other, document, root.kind);
	return 0;
}
