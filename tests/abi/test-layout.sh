#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The contract's structs and constants are those of layout.golden; and a change that breaks it is caught.
. "$CONSORT_TEST_SOURCE/tests/testing.sh"
abi=$testing_source/tests/abi
golden=$abi/layout.golden

setup() {
	# offsets are those of 64-bit machines, the only ones with packages so far
	[ "$(getconf LONG_BIT)" -eq 64 ] || skip "layout.golden is of machines with 64-bit pointers"
}

test_golden() {
	check "$abi/generate-layout" "$testing_source"
	"$abi/generate-layout" "$testing_source" >now
	"$abi/compare-layout" "$golden" now >differences || fail "$(cat differences)
  if nothing of it breaks, or nothing is released yet: tests/abi/generate-layout . >tests/abi/layout.golden"
	# Whatever compare-layout does not look at: the order, the headings.
	check diff "$golden" now
}

# A growing struct may get longer, so none may stand inside another one, by value.
test_growing_not_embedded() {
	sed -n 's/^growing \(struct [a-z_]*\):.*/: \1 [a-z]/p' "$golden" >growing
	[ -s growing ] || fail "no struct grows"
	grep -f growing "$golden" >embedded
	empty embedded "a growing struct is embedded"
}

# Fixed-width integers, doubles, characters and pointers only; Arrow's structs are as Arrow has them.
test_portable_types() {
	awk '/^[^\t]/ { arrow = /struct Arrow/ } /^\t[0-9]/ && !arrow' "$golden" >fields
	[ -s fields ] || fail "there are no fields"
	grep -wE 'enum|bool|_Bool|int|unsigned|signed|short|long|float|size_t|ssize_t|time_t|FILE|\.\.\.' fields >bad
	empty bad "types whose size is not the same everywhere"
}

# mutate HEADER SED-SCRIPT: the layout of sources with that header changed, in `now`; $? is compare-layout's.
mutate() {
	mkdir -p mutant/sdk mutant/core
	cp -r "$testing_source/sdk/include" mutant/sdk/
	cp -r "$testing_source/core/include" mutant/core/
	chmod -R u+w mutant
	sed -i "$2" "mutant/$1"
	! cmp -s "$testing_source/$1" "mutant/$1" || fail "the mutation of $1 changed nothing: $2"
	"$abi/generate-layout" mutant >now || fail "the mutated $1 has no layout"
	"$abi/compare-layout" "$golden" now >differences
	found=$?
}

# breaks HEADER SED-SCRIPT TEXT, grows …: the mutation is found, and told with this text.
breaks() {
	mutate "$1" "$2"
	[ "$found" -eq 2 ] || fail "not seen as breaking: $2"
	has differences "breaks: $3"
}
grows() {
	mutate "$1" "$2"
	[ "$found" -eq 1 ] || fail "not seen as growing only: $2"
	has differences "grows: $3"
	lacks differences breaks
}

test_self_frozen() {
	breaks sdk/include/consort/error.h '/^	int64_t code;/{h;d};/^	int32_t position;/{p;x}' \
		'struct consort_error.code was 8+8 int64_t code, is 16+8'
	breaks sdk/include/consort/types.h 's/^	uint64_t size;/&\n	uint64_t more;/' \
		'struct consort_view.more is new, in a frozen struct'
	breaks sdk/include/consort/feature.h 's/word\[2\];/word[3];/' \
		'struct consort_features is frozen, but changed from 16 to 24 bytes'
	breaks sdk/include/consort/types.h 's/^		double float64;/		int64_t float64;/' \
		'struct consort_value.as.float64 was 8+8 double float64, is 8+8 int64_t float64'
}

test_self_growing() {
	breaks sdk/include/consort/plugin.h \
		'/(\*commit)(void \*connection/{h;d};/(\*rollback)(void \*connection/{p;x}' \
		'struct consort_transaction_ops.commit was 16+8'
	breaks sdk/include/consort/host.h 's/^	int64_t (\*clock)(void);/	void (*more)(void);\n&/' \
		'struct consort_host.more is new, but not at the tail'
	breaks sdk/include/consort/plan.h '/^	double start_cost;/d' 'struct consort_offer.start_cost is gone'
	breaks sdk/include/consort/host.h 's/(\*alloc)(uint64_t size)/(*alloc)(uint32_t size)/' \
		'struct consort_host.alloc was'
	grows sdk/include/consort/plan.h 's/^	double start_cost;.*/&\n	double end_cost;/' \
		'struct consort_offer.end_cost is new'
	grows core/include/consort/handle.h 's/^	uint64_t memory_limit;.*/&\n	uint64_t row_limit;/' \
		'struct consort_scope_options.row_limit is new'
}

test_self_values() {
	breaks sdk/include/consort/error.h 's/CONSORT_ENAME = 3,/CONSORT_ENAME = 4,/' 'CONSORT_ENAME was 3, is 4'
	breaks sdk/include/consort/feature.h '/CONSORT_FEATURE_SORT = 8,/d' 'CONSORT_FEATURE_SORT is gone'
	breaks sdk/include/consort/batch.h 's/CONSORT_BATCH_LAST 1u/CONSORT_BATCH_LAST 2u/' \
		'CONSORT_BATCH_LAST was 1, is 2'
	grows sdk/include/consort/types.h 's/^	CONSORT_TYPE_COUNT/	CONSORT_TYPE_MAP = 14,\n&/' \
		'CONSORT_TYPE_MAP is new'
	grows sdk/include/consort/abi.h 's/ABI_MINOR 0/ABI_MINOR 1/' 'CONSORT_ABI_MINOR from 0 to 1'
}

# A declaration that layout.awk cannot read must not be passed over.
test_self_unreadable() {
	cp -r "$testing_source/sdk" "$testing_source/core" .
	chmod -R u+w sdk core
	sed -i 's/^	uint32_t reserved;/	uint32_t reserved : 3;/' sdk/include/consort/error.h
	refuse "$abi/generate-layout" .
}

finish abi-layout "$@"
