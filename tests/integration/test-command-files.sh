#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# import and export of the consort command.
. "$CONSORT_TEST_SOURCE/tests/integration/command.sh"

count() {
	"$consort" native core "select count(*) as n from $1" | tail -1
}

# flights FIRST LAST: lines of CSV without a header
flights() {
	seq "$1" "$2" | sed 's/$/,2001-01-01T00:00:00Z,17,100,SFO,LAX/'
}
header=id,departed_at,delay_min,distance_mi,origin,destination

test_real_data() {
	"$consort" -q define airport flight
	expect 0 import airport "$examples/airports.csv"
	has err "imported 3,376 records of airport"
	expect 0 import flight "$examples/flights.csv"
	[ "$(count flights)" -eq 20000 ] || fail "$(count flights) flights"
	# What comes out is what went in.
	expect 0 export flight out.csv -o id
	has err "exported 20,000 records to out.csv"
	tr -d '\r' <"$examples/flights.csv" >in.csv
	cmp -s out.csv in.csv || fail "flights.csv changed: $(diff out.csv in.csv | head -4)"
	expect 0 export airport out.csv
	sort out.csv >a
	tr -d '\r' <"$examples/airports.csv" | sort >b
	cmp -s a b || fail "airports.csv changed: $(diff a b | head -4)"
}

test_round_trip() {
	make_data
	for format in csv jsonl; do
		expect 0 export note notes.$format -o id
		"$consort" -q drop -y note && "$consort" -q define note || fail "define"
		expect 0 import note notes.$format
		expect 0 export note again.$format -o id
		cmp -s notes.$format again.$format || fail "$format changed: $(diff notes.$format again.$format)"
	done
	# One column: a blank line is NULL.
	printf 'text\nx\n\n""\n' >one.csv
	"$consort" -q delete note -w true
	expect 0 import note one.csv
	expect 0 export note -s text -o id
	output 'text\nx\n\n""\n'
}

test_export_is_whole_or_not() {
	make_data
	echo old >notes.csv
	expect 2 export note notes.csv -w 'nope = 1'
	has notes.csv old
	expect 2 export note notes.csv -s '1 / (id - 3) as x' -o id
	has notes.csv old
	[ "$(ls | grep -c '^notes.csv')" -eq 1 ] || fail "a temporary file is left: $(ls)"
	expect 5 export note /nonexistent/x.csv
	expect 2 export note notes.txt
	has err "-f csv"
	expect 0 export note notes.txt -f json -w 'id = 2'
	has notes.txt '"id":2'
	expect 0 export note -w 'id = 2' -s id
	output 'id\n2\n'
	chmod 640 notes.csv
	expect 0 export note notes.csv
	[ "$(stat -c %a notes.csv)" = 640 ] || fail "the mode changed"
	[ ! -w /dev/full ] || expect 5 export note /dev/full -f csv
}

# A limit on the size of files is met as a full disk is, not by dying.
test_export_beyond_limit() {
	{ echo n; seq 20000; } >numbers.csv
	echo old >out.csv
	(ulimit -f 8 && "$consort" -d here=file:path=. export here.numbers out.csv 2>err)
	status=$?
	[ $status -eq 5 ] || fail "status $status"
	has err "cannot write: File too large"
	has out.csv old
	[ "$(ls | grep -c '^out.csv')" -eq 1 ] || fail "a temporary file is left: $(ls)"
}

# A symbolic link stays one, also where it leads to nothing yet.
test_export_through_links() {
	make_data
	mkdir there
	echo old >there/real.csv
	chmod 640 there/real.csv
	ln -s there/real.csv link.csv
	ln -s ../link.csv there/chain.csv
	ln -s new.csv there/dangling.csv
	for link in link.csv there/chain.csv there/dangling.csv; do
		expect 0 export note $link -s id -o id -n 1
		[ -L $link ] || fail "$link is no link any more"
	done
	for file in there/real.csv there/new.csv; do
		[ "$(cat $file)" = "$(printf 'id\n1')" ] || fail "$file: $(cat $file)"
	done
	[ "$(stat -c %a there/real.csv)" = 640 ] || fail "the mode changed"
	[ "$(ls there | wc -l)" -eq 4 ] || fail "left behind: $(ls there)"
	ln -s loop.csv loop.csv
	expect 5 export note loop.csv
	has err "loop.csv: cannot write: Too many levels of symbolic links"
}

test_wrong_files() {
	make_data
	mkdir folder
	for command in 'import note folder' 'import note folder --input csv' 'export note folder -f csv'; do
		expect 5 $command
		has err "folder is a folder: name a file"
	done
	printf 'id\n9\nx\n' >a.csv
	expect 2 import note a.csv --rejects a.csv
	has err "keep the rejects in another file"
	ln a.csv same.csv
	expect 2 import note a.csv --rejects same.csv
	[ "$(wc -l <a.csv)" -eq 3 ] || fail "the rejects have replaced the records"
	# What a database cannot do is not the fault of its first record.
	printf 'id\nx\n' >folder/t.csv
	expect 6 -d files=file:path=folder import files.t a.csv
	has err "database 'files' does not support create"
	expect 6 -d files=file:path=folder import files.t a.csv --upsert
	has err "database 'files' does not support upsert"
}

test_header() {
	make_data
	printf 'ID,text\n7,x\n' >a.csv
	expect 2 import note a.csv
	has err "line 1"
	has err "did you mean 'id'"
	expect 0 import note a.csv --map ID=id
	printf 'id,text,other\n8,x,y\n' >a.csv
	expect 2 import note a.csv
	has err "note has no attribute 'other'"
	expect 0 import note a.csv --ignore other
	printf 'id,text,o1,o2\n9,x,y,z\n' >a.csv
	expect 0 import note a.csv --ignore '*'
	printf 'id,id\n1,2\n' >a.csv
	expect 2 import note a.csv
	has err "two columns are note.id"
	: >a.csv
	expect 2 import note a.csv
	printf 'id,text\n' >a.csv
	expect 0 import note a.csv
	expect 2 import note a.csv --map text=txt
	has err "did you mean 'text'"
	printf '\357\273\277id,text\r\n20,"crlf"\r\n' >a.csv
	expect 0 import note a.csv
	expect 0 find note -w 'id = 20' -s text
	output 'text\ncrlf\n'
	expect 2 import note a.txt
	expect 5 import note missing.csv
	expect 2 import nowhere a.csv
}

test_bad_records_end_it() {
	"$consort" -q define flight
	{ echo $header; flights 1 5; echo 'six,2001-01-01,1,1,A,B'; flights 7 9; } >f.csv
	expect 2 import flight f.csv
	has err "f.csv: line 7: flight.id"
	has err "5 records were imported"
	[ "$(count flights)" -eq 5 ] || fail "$(count flights) flights"
	# The batch with a double key is undone.
	{ echo $header; flights 10 12; flights 3 3; flights 13 14; } >g.csv
	expect 6 import flight g.csv
	has err "g.csv: line 5: "
	has err "nothing was imported"
	[ "$(count flights)" -eq 5 ] || fail "$(count flights) flights"
	# Wrong width, an open quote, a quote in the middle, a bare CR, bad UTF-8, a NUL byte.
	n=10
	for bad in "$n,2001-01-01,1,1,A" "$n,2001-01-01,1,1,A,B,C" "$n,2001-01-01,1,1,A,\"B" \
		"$n,2001-01-01,1,1,A,B\"C" "$n,2001-01-01,1,1,A,B\\0015X" "$n,2001-01-01,1,1,A,\\0377" \
		"$n,2001-01-01,1,1,A\\0000,B"; do
		{ echo $header; printf "$n,2001-01-01T00:00:00Z,1,1,A,B\\n" ; printf '%b\n' "$bad"; } >g.csv
		sed -i "2s/^$n/5$n/" g.csv
		run "$consort" import flight g.csv
		[ "$status" -ne 0 ] || fail "taken: $bad"
		has err "line 3"
		"$consort" -q delete flight 5$n || fail "the record before is missing: $bad"
		rm -f g.csv.consort-resume
	done
}

test_rejects() {
	"$consort" -q define flight
	{ echo $header; flights 1 5; echo 'six,2001-01-01,1,1,A,B'; flights 7 9; echo 'a,b'; flights 3 3; flights 10 12
	  echo '13,2001-01-01,1,1,A"B,C'; flights 14 15; } >f.csv
	expect 1 import flight f.csv --rejects bad.jsonl
	has err "imported 13 records"
	has err "rejected 4 records"
	[ "$(count flights)" -eq 13 ] || fail "$(count flights) flights"
	[ "$(wc -l <bad.jsonl)" -eq 4 ] || fail "$(cat bad.jsonl)"
	has bad.jsonl '{"line":7,'
	has bad.jsonl '"text":"six,2001-01-01,1,1,A,B"}'
	has bad.jsonl '{"line":11,"error":"2 fields where the header has 6","text":"a,b"}'
	has bad.jsonl '{"line":12,'
	has bad.jsonl '{"line":16,'
	[ ! -e f.csv.consort-resume ] || fail "the state is left"
	printf '{"id":20}\n{"id":"x"}\nbroken\n{"id":21,"nope":1}\n[1]\n{"id":22}\n' >f.jsonl
	expect 1 import flight f.jsonl --rejects bad.jsonl
	[ "$(count flights)" -eq 15 ] || fail "$(count flights) flights"
	has bad.jsonl '{"line":2,"error":"flight.id: '
	has bad.jsonl '"record":{"id":"x"}}'
	has bad.jsonl '"text":"broken"}'
	has bad.jsonl '"record":{"id":21,"nope":1}}'
	[ "$(wc -l <bad.jsonl)" -eq 4 ] || fail "$(cat bad.jsonl)"
	expect 5 import flight f.csv --rejects /nonexistent/x
	expect 2 import flight f.csv --rejects -
	has err "/dev/stdout"
	[ ! -e ./- ] || fail "a file of the name '-' was written"
	expect 1 import flight f.csv --rejects /dev/stdout
	has out '{"line":2,"error":"UNIQUE'
	# What is no UTF-8 does not spoil the rejects.
	printf 'id,origin\n30,\377x\n' >f.csv
	expect 1 import flight f.csv --rejects bad.jsonl
	has bad.jsonl '"text":"30,�x"}'
}

test_json_lines() {
	make_data
	printf '{"text":"generated"}\n\n%s\n{"text":"again"}\n' \
		'{"id":50,"doc":{"deep":[1,{"a":null}]},"amount":1e2}' >a.jsonl
	expect 0 import note a.jsonl
	has err "imported 3 records"
	expect 0 get note 50 -f jsonl
	output '{"id":50,"text":null,"amount":100.00,"big":null,"doc":{"deep":[1,{"a":null}]}}\n'
	"$consort" import note - --input jsonl <a.jsonl >out 2>err && fail "a double key was taken"
	has err "standard input: line 3"
	printf '{"t":"x"}\n' | "$consort" import note - --input jsonl --map t=text 2>err || fail "$(cat err)"
	printf '{"text":"a"}\n{"text":\n' >a.jsonl
	expect 2 import note a.jsonl
	has err "a.jsonl: line 2"
}

test_upsert() {
	make_data
	printf 'id,text\n1,changed\n70,new\n' >a.csv
	expect 0 import note a.csv --upsert
	expect 0 find note -w 'id in (1, 70)' -s 'id, text, amount' -o id
	output 'id,text,amount\n1,changed,1.50\n70,new,\n'
}

test_resume_after_failure() {
	"$consort" -q define flight
	{ echo $header; flights 1 3000; echo 'x,2001-01-01,1,1,A,B'; flights 3001 5000; } >f.csv
	expect 2 import flight f.csv
	has err "line 3002: flight.id"
	has err "3,000 records were imported"
	[ "$(count flights)" -eq 3000 ] || fail "$(count flights) flights"
	[ -e f.csv.consort-resume ] || fail "no state"
	# Starting over would double what is there.
	expect 2 import flight f.csv
	has err "--resume"
	expect 1 import flight f.csv --resume --rejects bad.jsonl
	[ "$(count flights)" -eq 5000 ] || fail "$(count flights) flights"
	[ "$(wc -l <bad.jsonl)" -eq 1 ] || fail "$(cat bad.jsonl)"
	[ ! -e f.csv.consort-resume ] || fail "the state is left"
	# Nothing to resume: from the start.
	"$consort" -q delete flight -w true
	{ echo $header; flights 1 10; } >g.csv
	expect 0 import flight g.csv --resume
	[ "$(count flights)" -eq 10 ] || fail "$(count flights) flights"
}

test_changed_file_is_not_resumed() {
	"$consort" -q define flight
	{ echo $header; flights 1 100; echo 'x,2001-01-01,1,1,A,B'; flights 101 200; } >f.csv
	expect 2 import flight f.csv
	sed -i 's/^x,/1000,/' f.csv
	expect 2 import flight f.csv --resume
	has err "has changed"
	has err "--skip 100"
	expect 0 import flight f.csv --skip 100
	[ "$(count flights)" -eq 201 ] || fail "$(count flights) flights"
}

# Killed behind some batch, again and again: in the end every record is there once.
test_resume_after_kill() {
	"$consort" -q define flight
	{ echo $header; flights 1 200000; } >f.csv
	for round in 1 2 3 4 5; do
		cat f.csv.consort-resume >before 2>/dev/null
		"$consort" import flight f.csv --resume --batch 20 >/dev/null 2>&1 &
		pid=$!
		# Far from its end: 10,000 batches are to be written.
		await moved_on
		kill -KILL $pid
		wait $pid 2>/dev/null
	done
	[ -e f.csv.consort-resume ] || fail "no state"
	expect 0 import flight f.csv --resume
	has err "dealt with earlier"
	[ "$(count flights)" -eq 200000 ] || fail "$(count flights) flights"
	[ "$(ls -A | grep -c '^f.csv')" -eq 1 ] || fail "left behind: $(ls -A)"
}

# Has the run that goes on written a batch?
moved_on() {
	[ -e f.csv.consort-resume ] && ! cmp -s before f.csv.consort-resume
}

# set_place FILE OFFSET LINE RECORD PENDING: what a killed run leaves in the state.
set_place() {
	sed -Ei "s/\"offset\":.*\"pending\":[0-9]+/\"offset\":$2,\"line\":$3,\"record\":$4,\"pending\":$5/" \
		"$1.consort-resume"
}

# pretend_killed FILE DONE PENDING: behind that many records of a CSV file, while it wrote the next ones.
pretend_killed() {
	lines=$(head -$(($2 + 1)) "$1")
	set_place "$1" "$(printf '%s\n' "$lines" | wc -c)" $(($2 + 1)) "$2" "$3"
}

# Of the records that may have been written, those are written that are not there as they are in the file.
test_resume_looks_records_up() {
	"$consort" -q define flight
	{ echo $header; flights 1 10; echo 'x,2001-01-01,1,1,A,B'; flights 11 12; } >f.csv
	expect 2 import flight f.csv --batch 5
	has f.csv.consort-resume '"record":10,"pending":0'
	pretend_killed f.csv 5 5
	"$consort" -q delete flight 8
	"$consort" -q update flight id=7 delay_min=99
	expect 1 import flight f.csv --resume --rejects bad.jsonl
	has err "imported 3 records"
	[ "$(wc -l <bad.jsonl)" -eq 2 ] || fail "$(cat bad.jsonl)"
	has bad.jsonl '"text":"7,2001-'
	has bad.jsonl '"text":"x,2001-'
	[ "$(count flights)" -eq 12 ] || fail "$(count flights) flights"
	# Without a key nobody can tell.
	"$consort" -q native core 'create table log (a integer)'
	printf 'a\n1\n2\n3\nx\n' >log.csv
	expect 2 -d extra=sqlite:path=core.db import extra.log log.csv
	pretend_killed log.csv 1 2
	for attempt in first second; do
		expect 2 -d extra=sqlite:path=core.db import extra.log log.csv --resume
		has err "whether records 2 to 3 are there cannot be told without a key"
		has err "with --skip 3 if they are, with --skip 1 if not"
		lacks err "--resume"
	done
	expect 2 -d extra=sqlite:path=core.db import extra.log log.csv --skip 3
	has err "line 5: extra.log.a"
	[ "$(count log)" -eq 3 ] || fail "$(count log) records"
	# Nor where the key is left to the database.
	"$consort" -q define note
	printf '{"text":"a"}\n{"text":"b"}\n{"texd":"c"}\n' >n.jsonl
	expect 2 import note n.jsonl
	set_place n.jsonl 0 0 0 2
	expect 2 import note n.jsonl --resume
	has err "whether records 1 to 2 are there"
	[ "$(count note)" -eq 2 ] || fail "$(count note) notes"
}

# What may have been written stays in doubt until somebody has looked, also where the first record behind it is refused.
test_resume_keeps_the_doubt() {
	"$consort" -q native core 'create table log (a integer)'
	printf 'a\n1\nx\n3\n' >log.csv
	expect 2 -d extra=sqlite:path=core.db import extra.log log.csv
	pretend_killed log.csv 1 2
	expect 2 -d extra=sqlite:path=core.db import extra.log log.csv --resume
	has err "whether records 2 to 3 are there"
	expect 2 -d extra=sqlite:path=core.db import extra.log log.csv --resume --rejects bad.jsonl
	has err "whether records 3 to 3 are there"
	[ "$(count log)" -eq 1 ] || fail "$(count log) records"
}

test_skip_starts_anywhere() {
	"$consort" -q define flight
	{ echo $header; flights 1 10; echo 'x,2001-01-01,1,1,A,B'; flights 11 12; } >f.csv
	expect 2 import flight f.csv --batch 5
	# What is kept about that does not stand in the way, and is gone in the end.
	expect 2 import flight f.csv
	has err "start over with --skip 0"
	expect 6 import flight f.csv --skip 0
	has err "line 2: "
	expect 1 import flight f.csv --skip 10 --rejects bad.jsonl
	[ "$(count flights)" -eq 12 ] || fail "$(count flights) flights"
	[ ! -e f.csv.consort-resume ] || fail "the state is left"
	# Earlier rejects are kept.
	expect 1 import flight f.csv --skip 10 --rejects bad.jsonl --upsert
	[ "$(wc -l <bad.jsonl)" -eq 2 ] || fail "$(cat bad.jsonl)"
	# A state that nobody can read is not taken for none.
	: >f.csv.consort-resume
	for resume in '' --resume; do
		expect 2 import flight f.csv $resume --upsert
		has err "cannot be read"
	done
	expect 1 import flight f.csv --skip 0 --rejects bad.jsonl --upsert
	[ "$(wc -l <bad.jsonl)" -eq 1 ] || fail "$(cat bad.jsonl)"
}

# Two runs at a time would take each other's place for their own.
test_one_import_at_a_time() {
	command -v flock >/dev/null || skip 'flock holds the file: apt-get install util-linux'
	"$consort" -q define flight
	{ echo $header; flights 1 10; } >f.csv
	flock f.csv "$consort" import flight f.csv 2>err && fail "imported beside another run"
	has err "another import of it is running"
	[ "$(count flights)" -eq 0 ] || fail "$(count flights) flights"
	expect 0 import flight f.csv
	# Standard input has no state to be mixed up.
	flock f.csv "$consort" import flight - --input csv --upsert <f.csv 2>err || fail "refused: $(cat err)"
	expect 2 import flight - --input csv --resume
	has err "standard input: cannot be resumed"
}

# A batch that was refused is tried again, not passed over.
test_resume_behind_a_refused_batch() {
	"$consort" -q define flight
	{ echo $header; flights 1 10; flights 3 3; flights 11 12; } >f.csv
	expect 6 import flight f.csv --batch 4
	has err "f.csv: line 12: "
	has err "8 records were imported"
	expect 1 import flight f.csv --resume --rejects bad.jsonl --batch 4
	[ "$(count flights)" -eq 12 ] || fail "$(count flights) flights"
	[ "$(wc -l <bad.jsonl)" -eq 1 ] || fail "$(cat bad.jsonl)"
}

test_resume_after_interrupt() {
	"$consort" -q define flight
	mkfifo pipe
	"$consort" import flight - --input csv --batch 1000 <pipe 2>err &
	pid=$!
	exec 3>pipe
	{ echo $header; flights 1 5000; } >&3
	await all_there
	kill -INT $pid
	wait $pid
	status=$?
	exec 3>&-
	[ $status -eq 7 ] || fail "status $status: $(cat err)"
	has err "interrupted; 5,000 records were imported, go on with --skip 5000"
	[ "$(count flights)" -eq 5000 ] || fail "$(count flights) flights"
}

all_there() {
	[ "$(count flights)" -eq 5000 ]
}

# How far an import of a file came that lies where nothing can be written.
test_read_only_folder() {
	user=
	if [ "$(id -u)" -eq 0 ]; then
		user='setpriv --reuid=65534 --regid=65534 --clear-groups'
		chown -R 65534:65534 .
		$user "$consort" version >/dev/null 2>&1 ||
			skip 'not everybody may read the build: run this as another user'
	fi
	check $user "$consort" -q define flight
	mkdir data state
	[ -z "$user" ] || chown 65534 state
	{ echo $header; flights 1 10; echo x; } >data/f.csv
	chmod 555 data
	export XDG_STATE_HOME=$PWD/state
	run $user "$consort" import flight data/f.csv
	[ "$status" -eq 2 ] || fail "status $status: $(cat err)"
	[ "$(ls state/consort)" != "" ] || fail "no state"
	sed -i s/x/11,2001-01-01,1,1,A,B/ data/f.csv
	run $user "$consort" import flight data/f.csv --resume
	has err "has changed since its import stopped behind record 10"
	run $user "$consort" import flight data/f.csv --skip 10
	[ "$status" -eq 0 ] || fail "status $status: $(cat err)"
	[ "$(ls state/consort)" = "" ] || fail "the state is left"
	[ "$(ls data)" = f.csv ] || fail "left behind: $(ls data)"
}

test_progress_on_a_terminal() {
	command -v script >/dev/null || skip 'script makes the terminal: apt-get install bsdutils'
	"$consort" -q define flight
	mkfifo pipe
	{ echo $header; for part in 1 2 3 4; do flights ${part}000 ${part}100; sleep 0.2; done; } >pipe &
	script -qec "$consort import flight - --input csv <pipe" /dev/null >out 2>&1 </dev/null
	wait
	has out "records, "
	has out "imported 404 records"
}

finish command-files "$@"
