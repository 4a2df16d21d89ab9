/* SPDX-License-Identifier: Apache-2.0 */
/* The SQL builder's ground: answers to an offer, texts in the arena, placeholders, terms. */
#include "sql_build.h"

#include <string.h>

#define FLAT 8 /* items joined without nesting */

/* --- answers --- */

void consort_sql_answer(struct consort_sql_builder *builder, uint32_t number, uint32_t fidelity,
			const char *reason)
{
	if (!builder->offer) {
		if (fidelity == CONSORT_FIDELITY_NO && !builder->status)
			builder->status = consort_error_set(builder->error, CONSORT_EUNSUPPORTED,
							    "%s cannot run this part of a plan: %s",
							    builder->dialect->engine, reason);
		return;
	}
	if (number < builder->offer->count) {
		builder->offer->fidelity[number] = (uint8_t)fidelity;
		builder->offer->reason[number] = reason;
	}
}

struct consort_sql_relation *consort_sql_accept(struct consort_sql_builder *builder,
						const struct consort_node *node,
						struct consort_sql_relation *relation)
{
	consort_sql_answer(builder, node->number, CONSORT_FIDELITY_EXACT, NULL);
	return relation;
}

struct consort_sql_relation *consort_sql_refuse(struct consort_sql_builder *builder,
						const struct consort_node *node,
						struct consort_sql_relation *relation, const char *reason)
{
	consort_sql_answer(builder, node->number, CONSORT_FIDELITY_NO, reason);
	relation->reason = "what it needs stays in the core";
	return relation;
}

bool consort_sql_failed(struct consort_sql_builder *builder, uint32_t status)
{
	builder->status = status;
	builder->reason = "it cannot be compiled";
	return false;
}

bool consort_sql_no_memory(struct consort_sql_builder *builder)
{
	return consort_sql_failed(builder, consort_error_no_memory(builder->error));
}

struct consort_sql_relation *consort_sql_out_of_memory(struct consort_sql_builder *builder)
{
	consort_sql_no_memory(builder);
	return NULL;
}

/* --- texts --- */

const char *consort_sql_take(struct consort_sql_builder *builder, struct consort_buffer *text)
{
	char *copy = text->failed
			     ? NULL
			     : consort_arena_copy(builder->arena, text->data ? text->data : "", text->size);

	consort_buffer_clear(text);
	if (!copy)
		consort_sql_no_memory(builder);
	return copy;
}

bool consort_sql_add(struct consort_sql_builder *builder, struct consort_sql_texts *texts, const char *text)
{
	if (texts->count == texts->room) {
		uint32_t room = texts->room ? texts->room * 2 : 4;
		const char **items = consort_arena_array(builder->arena, room, sizeof(*items));

		if (!items)
			return consort_sql_no_memory(builder);
		if (texts->count)
			memcpy(items, texts->items, texts->count * sizeof(*items));
		texts->items = items;
		texts->room = room;
	}
	texts->items[texts->count++] = text;
	return true;
}

void consort_sql_join(const char *const *items, uint32_t count, const char *word, struct consort_buffer *out)
{
	uint32_t half = count / 2, i;

	if (count > FLAT) {
		consort_buffer_char(out, '(');
		consort_sql_join(items, half, word, out);
		consort_buffer_printf(out, ")%s(", word);
		consort_sql_join(items + half, count - half, word, out);
		consort_buffer_char(out, ')');
		return;
	}
	for (i = 0; i < count; i++) {
		if (i)
			consort_buffer_text(out, word);
		consort_buffer_text(out, items[i]);
	}
}

void consort_sql_quote(struct consort_buffer *out, const char *identifier)
{
	consort_buffer_quoted(out, identifier, strlen(identifier), '"');
}

/* --- placeholders --- */

static bool same_slot(const struct consort_sql_slot *a, const struct consort_sql_slot *b)
{
	return a->source != CONSORT_SQL_LITERAL && a->source == b->source && a->index == b->index &&
	       a->purpose == b->purpose && !memcmp(a->storage, b->storage, sizeof(a->storage));
}

uint32_t consort_sql_placeholder(struct consort_sql_builder *builder, const struct consort_sql_slot *slot)
{
	uint32_t i;

	for (i = 0; i < builder->nslots; i++)
		if (same_slot(slot, &builder->slots[i]))
			return i + 1;
	if (builder->nslots == builder->slot_room) {
		uint32_t room = builder->slot_room ? builder->slot_room * 2 : 8;
		struct consort_sql_slot *slots = consort_arena_array(builder->arena, room, sizeof(*slots));

		if (!slots) {
			consort_sql_no_memory(builder);
			return 0;
		}
		if (builder->nslots)
			memcpy(slots, builder->slots, builder->nslots * sizeof(*slots));
		builder->slots = slots;
		builder->slot_room = room;
	}
	builder->slots[builder->nslots++] = *slot;
	return builder->nslots;
}

/* --- relations and terms --- */

struct consort_sql_term *consort_sql_term_new(struct consort_sql_builder *builder)
{
	struct consort_sql_term *term = consort_arena_alloc(builder->arena, builder->dialect->term_size);

	if (!term)
		consort_sql_no_memory(builder);
	return term;
}

struct consort_sql_term *consort_sql_term_copy(struct consort_sql_builder *builder,
					       const struct consort_sql_term *term)
{
	struct consort_sql_term *copy = consort_sql_term_new(builder);

	if (copy)
		memcpy(copy, term, builder->dialect->term_size);
	return copy;
}

struct consort_sql_relation *consort_sql_relation_new(struct consort_sql_builder *builder, uint32_t nterms)
{
	struct consort_sql_relation *relation = consort_arena_alloc(builder->arena, sizeof(*relation));

	if (!relation)
		return consort_sql_out_of_memory(builder);
	relation->nterms = nterms;
	relation->terms = consort_arena_array(builder->arena, nterms, sizeof(struct consort_sql_term *));
	return relation->terms ? relation : consort_sql_out_of_memory(builder);
}

uint32_t consort_sql_mirrored(uint32_t op)
{
	switch (op) {
	case CONSORT_OP_LT:
		return CONSORT_OP_GT;
	case CONSORT_OP_LE:
		return CONSORT_OP_GE;
	case CONSORT_OP_GT:
		return CONSORT_OP_LT;
	case CONSORT_OP_GE:
		return CONSORT_OP_LE;
	default:
		return op;
	}
}
