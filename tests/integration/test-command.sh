#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The consort command from outside: usage, output formats, errors, exit statuses, and each command but import and
# export, which have test-command-files.sh.
. "$CONSORT_TEST_SOURCE/tests/integration/command.sh"

test_usage() {
	expect 2
	has err "a command is missing"
	expect 2 fnd
	has err "unknown command 'fnd'; did you mean 'find'?"
	expect 2 find
	has err "a resource is needed"
	expect 2 find note --wher=x --limt 3
	has err "did you mean '--limit'"
	expect 2 find note -n -3
	has err "--limit: '-3' is no whole number"
	expect 2 find note -n 1x
	expect 2 find note extra
	has err "'extra' is too much"
	expect 2 find note -f xml
	has err "unknown format 'xml'"
	expect 2 --timeout soon find note
	has err "is no duration"
	expect 2 get note -5
	has err "'--' stands before"
	expect 2 find note --where
	has err "needs a value"
	expect 0 --version
	has out "consort 0"
	expect 0 help find
	has out "Usage: consort find"
	for arguments in 'help --help' 'help -h' help; do
		expect 0 $arguments
		has out "Usage: consort [-c FILE]"
	done
	expect 2 help find more
	has err "'more' is too much"
	expect 2 find note -n 1 -n 2
	has err "--limit is given twice"
}

test_help_fits_a_screen() {
	for command in "" $("$consort" complete commands); do
		[ "$command" != help ] || continue
		expect 0 $command --help
		[ "$(wc -l <out)" -le 24 ] || fail "$command --help has more than 24 lines"
		[ "$(wc -L <out)" -le 80 ] || fail "$command --help is wider than 80 columns"
		tail -2 out | grep -q -e 'Example: consort ' -e '^   ' ||
			fail "$command --help does not end with an example"
		grep -q '^Example: consort' out || fail "$command --help has no example"
		if [ -n "$command" ]; then
			grep -q "^.Ss consort $command" "$CONSORT_TEST_SOURCE/docs/man/consort.1" ||
				fail "consort(1) does not tell of $command"
			# Each long option of the help stands in the man page.
			for option in $("$consort" complete options "$command"); do
				grep -q -e "Fl -${option#--}" -e "Fl . , ${option#-}" \
					"$CONSORT_TEST_SOURCE/docs/man/consort.1" || fail "consort(1) lacks $option"
			done
		fi
	done
}

test_csv() {
	make_data
	expect 0 find note -o id -s 'id, text, amount'
	output 'id,text,amount\n1,plain,1.50\n2,"",\n3,"a ""quote"", a comma\nand a line",12345678.90\n4,,\n'
	expect 1 find note -w 'id > 100'
	output 'id,text,amount,big,doc\n'
}

test_json() {
	make_data
	expect 0 find note -o id -n 2 --json
	first='{"id":1,"text":"plain","amount":1.50,"big":9007199254740993,"doc":{"a":[1,2]}}'
	output "[\\n$first,\\n"'{"id":2,"text":"","amount":null,"big":-5,"doc":null}\n]\n'
	expect 0 find note -o id -n 1 -f jsonl --json-safe
	output '{"id":1,"text":"plain","amount":"1.50","big":"9007199254740993","doc":{"a":[1,2]}}\n'
	expect 1 find note -w 'id > 100' -f json
	output '[]\n'
}

test_table() {
	make_data
	expect 0 find note -o id -s 'id, text, amount' -f table
	output 'id  text                                 amount
──  ──────────────────────────────  ───────────
 1  plain                                  1.50
 2                                         NULL
 3  a "quote", a comma\\nand a line  12345678.90
 4  NULL                                   NULL
'
	expect 0 find note -w 'id = 1' -s 'id, text' -f expanded
	output '── 1 ──\nid    1\ntext  plain\n'
}

test_table_escapes_control_characters() {
	make_data
	run "$consort" create note id=9 "text=$(printf 'red\033[31m \302\233 \342\200\256 \011tab')"
	[ "$status" -eq 0 ] || fail "create: $(cat err)"
	expect 0 find note -w 'id = 9' -s text -f table
	has out 'red\x1b[31m \u009b \u202e \ttab'
	[ "$(tr -d '\n -~\200-\377' <out | wc -c)" -eq 0 ] || fail "a control character came through"
	# Errors hold data too.
	run "$consort" find note -w "text = $(printf '\033')"
	lacks err "$(printf '\033')"
}

test_terminal() {
	make_data
	terminal 40 find note -o id -s 'id, text, doc' -w 'id < 4'
	has out '…'
	[ "$(wc -L <out)" -le 40 ] || fail "the table is wider than the terminal: $(cat out)"
	terminal 20 find note -o id -w 'id = 1'
	has out '── 1 ──'
	terminal 80 find note -w false
	has out 'no record was found'
	# Lists for people are wrapped.
	terminal 60 plugins list
	has out '  features    read create update delete'
	grep -v / out >plain
	[ "$(wc -L <plain)" -le 60 ] || fail "wider than the terminal: $(cat plain)"
	terminal 60 plugins list -f expanded
	grep -v / out >plain
	[ "$(wc -L <plain)" -le 60 ] || fail "wider than the terminal: $(cat plain)"
	# No path is cut.
	terminal 60 plugins explain sqlite
	tr -d '\n ' <out >plain
	has plain "taken$testing_build/.libs/consort-sqlite.so"
}

test_names_and_expressions() {
	make_data
	expect 2 find nope
	has err "consort: "
	expect 2 find notes
	has err "did you mean 'note'"
	expect 2 find note -w 'texd = 1'
	has err "did you mean 'text'"
	expect 2 find note -w "id = 'x'"
	expect 2 find note -w 'id ='
	expect 2 find note -w 'id = 1; drop table note'
	expect 2 get note x
	has err "note.id"
	expect 2 get note 1 2
	has err "1 value is needed, not 2"
	expect 1 find note -w "text = ''' or 1=1 --'" -s id
	expect 2 update note id=1 nam=x
	has err "note has no attribute 'nam'"
}

test_parameters() {
	make_data
	expect 0 find note -w 'id = $1 or text = $2' -p 1 -p '' -s id -o id
	output 'id\n1\n2\n'
	expect 0 find note -w 'id = $1 and $2::text is null' -p 4 --null -s id
	output 'id\n4\n'
	expect 2 find note -w 'id = $1'
	has err "takes 1 parameter"
	expect 2 find note -w 'id = $1' -p seven
	has err 'parameter $1'
	# What looks like SQL is data.
	expect 1 find note -w 'text = $1' -p "' or 1=1 --"
	expect 0 find note -w 'id > $1' -p -1 -n 1 -o id -s id
	output 'id\n1\n'
}

test_query_options() {
	make_data
	expect 0 find note -s 'count(*) as n' -g 'text is null' --having 'count(*) > 1'
	output 'n\n3\n'
	expect 0 find note -s id -o 'id desc' -n 1 --offset 1
	output 'id\n3\n'
	expect 0 find note -s id -o id --after 2
	output 'id\n3\n4\n'
	expect 2 find note -o id --after 2 --after 3
}

test_get() {
	make_data
	expect 0 get note 1
	output 'id,text,amount,big,doc\n1,plain,1.50,9007199254740993,"{""a"":[1,2]}"\n'
	expect 1 get note 77
	has err "consort: "
	expect 1 get note -- -5
}

test_write() {
	make_data
	expect 0 create note text=new amount=2 -r -f jsonl
	output '{"id":5,"text":"new","amount":2.00,"big":null,"doc":null}\n'
	has err "created 1 record of note"
	expect 6 create note id=5 text=again
	expect 0 update note id=5 text= amount:=null 'doc:={"k": "v"}'
	expect 0 get note 5 -f jsonl
	output '{"id":5,"text":"","amount":null,"big":null,"doc":{"k":"v"}}\n'
	expect 1 update note id=99 text=x
	expect 2 update note id=5 amount=1.234
	expect 2 create note id=6 text
	has err "NAME=VALUE"
	expect 2 create note id=6 id=7
	has err "given twice"
	expect 2 create note id=6 'text:=5'
	has err "text is needed, not a number"
	expect 0 upsert note id=5 text=up
	expect 0 upsert note id=6 text=in
	expect 0 find note -w 'id >= 5' -s 'id, text' -o id
	output 'id,text\n5,up\n6,in\n'
	expect 0 -q update note -w 'id >= $1' -p 5 text=both big=7
	[ ! -s err ] || fail "--quiet is not"
	expect 0 find note -w 'id >= 5' -s 'id, text, big' -o id
	output 'id,text,big\n5,both,7\n6,both,7\n'
	expect 1 update note -w 'id > 1000' text=x
	expect 0 delete note 6
	expect 1 delete note 6
	expect 0 delete note -w 'id = $1' -p 5
	has err "deleted 1 record"
	expect 1 delete note -w 'id = 5'
	expect 2 delete note
	has err "a key or a condition"
}

# What is shown is the record as it is stored, not only what was named of it.
test_returning() {
	make_data
	expect 0 update note id=1 amount=7 -r -f jsonl
	output '{"id":1,"text":"plain","amount":7.00,"big":9007199254740993,"doc":{"a":[1,2]}}\n'
	expect 0 upsert note id=1 text=other -r -f jsonl
	output '{"id":1,"text":"other","amount":7.00,"big":9007199254740993,"doc":{"a":[1,2]}}\n'
	expect 0 upsert note id=9 text=new -r -f jsonl
	output '{"id":9,"text":"new","amount":null,"big":null,"doc":null}\n'
	expect 1 update note id=99 text=x -r
	[ ! -s out ] || fail "there is no such record, but one is shown: $(cat out)"
	expect 2 update note -w 'id = 1' text=x -r
	# an engine that cannot return, and one without transactions
	sed 's/^type = sqlite/&\nfeatures = -returning -transactions/' consort.ini >plain.ini
	expect 0 -c plain.ini update note id=1 text=again -r -f jsonl
	output '{"id":1,"text":"again","amount":7.00,"big":9007199254740993,"doc":{"a":[1,2]}}\n'
	expect 0 -c plain.ini upsert note id=1 big=5 -r -f jsonl
	output '{"id":1,"text":"again","amount":7.00,"big":5,"doc":{"a":[1,2]}}\n'
}

test_records_on_standard_input() {
	make_data
	printf '{"id":10,"text":"a"}\n\n{"id":11,"text":"b"}\n' | "$consort" create note - >out 2>err ||
		fail "create -: $(cat err)"
	has err "created 2 records of note"
	printf '{"id":13}\n' | "$consort" create note - 2>err || fail "create -: $(cat err)"
	has err "created 1 record of note"
	# All or none.
	printf '{"id":12}\n{"id":10}\n' | "$consort" create note - >out 2>err && fail "a double key was taken"
	has err "line 2"
	has err "; nothing was created"
	printf '{"id":12}\n{"id":' | "$consort" create note - >out 2>err && fail "broken JSON was taken"
	has err "line 2"
	printf '{"id":12}\n{"nope":1}\n' | "$consort" create note - >out 2>err && fail "an unknown member was taken"
	has err "note has no attribute 'nope'"
	expect 1 get note 12
	printf '{"id":10,"text":"c"}\n{"id":11,"text":"c"}\n' | "$consort" update note - 2>err ||
		fail "update -: $(cat err)"
	expect 0 find note -w "text = 'c'" -s 'count(*) as n'
	output 'n\n2\n'
}

test_define_and_drop() {
	expect 0 define --dry-run note
	has out "CREATE TABLE"
	run "$consort" find note
	[ "$status" -ne 0 ] || fail "there is no table yet"
	expect 0 define note
	expect 6 define note
	expect 0 define --if-needed note
	expect 0 create note id=1
	expect 2 drop note
	has err "--yes"
	expect 0 drop --dry-run note
	has out "DROP TABLE"
	expect 0 get note 1
	expect 0 drop -y note
	expect 1 drop -y note
	expect 0 drop -y --if-needed note
	expect 2 define nothing
}

test_native() {
	make_data
	expect 0 native core 'select id, text from note where id = ?' 1
	output 'id,text\n1,plain\n'
	expect 0 native core "update note set text = ? where id = ?" --null 1
	has err "1 record changed"
	[ ! -s out ] || fail "a statement without rows wrote some"
	expect 0 native core 'select typeof(?) as a, typeof(?) as b' -t int64,text 5 x
	output 'a,b\ninteger,text\n'
	expect 6 native core 'selec 1'
	expect 2 native
	expect 2 native nowhere 'select 1'
}

test_describe_and_resources() {
	make_data
	expect 0 describe flight
	has out "key: id"
	has out "origin_airport: airport, origin -> iata"
	expect 0 describe flight --json
	has out '"relationships":[{"name":"origin_airport","target":"airport","from":["origin"],"to":["iata"]}]'
	# People are not shown columns of nothing, and of what stands beside it already.
	expect 0 describe flight
	has out "engine_type"
	lacks out "source"
	printf 'id,text\n1,a\n' >t.csv
	expect 0 -d files=file:path=. describe files.t
	lacks out "engine_type"
	expect 0 describe note -f csv
	has out 'attribute,type,flags,source,engine_type'
	has out 'amount,"decimal(12,2)"'
	expect 2 describe nowhere
	expect 0 resources --declared
	has out flight
	expect 0 resources --json
	has out '"resource":"airport","database":"core"'
	expect 0 -d extra=sqlite:path=core.db resources -f csv
	has out "extra.note,extra,note"
}

test_databases() {
	expect 0 databases
	has out "core: sqlite"
	has out "transactions"
	expect 0 databases core --json
	has out '"name":"core","type":"sqlite"'
	has out '"missing":{'
	expect 0 databases -f csv
	has out "core,sqlite,"
	expect 2 databases cora
	expect 5 -d bad=sqlite:path=/nonexistent/x.db databases bad
	expect 0 -d bad=sqlite:path=/nonexistent/x.db databases --offline bad
}

test_plugins() {
	expect 0 plugins list
	[ "$(wc -L <out)" -le 80 ] || [ "${#testing_build}" -gt 40 ] || fail "too wide: $(cat out)"
	[ "$(grep -c '^              [a-z]' out)" -ge 2 ] || fail "the features are not wrapped: $(cat out)"
	expect 0 plugins list -f csv
	has out 'type,version,abi,file,features,problem'
	has out consort-sqlite.so # which stands in two lines above if its folder's name is long
	expect 0 plugins list --json
	has out '"type":"sqlite"'
	has out '"features":["read","create",'
	has out '"problem":null'
	expect 0 plugins info sqlite
	has out licence
	has out "  path        path; required"
	has out "                the database file, or :memory:"
	expect 0 plugins info sqlite --json
	has out '"tables":["database","connection",'
	expect 0 plugins check sqlite
	has out "sqlite is good"
	expect 0 plugins explain sqlite
	has out taken
	expect 4 plugins explain sqlitte
	echo "no plugin" >consort-text.so
	expect 1 plugins check ./consort-text.so
	expect 4 plugins info ./consort-text.so
	expect 2 plugins lst
	has err "did you mean 'list'"
	mkdir empty
	CONSORT_PLUGIN_PATH=$PWD/empty run "$consort" plugins list
	[ "$status" -eq 1 ] || [ -s out ] || fail "status $status of an empty list"
	# The manifest's folders count too, and --path before them.
	printf '[consort]\nplugin_path = %s\n' "$testing_build/.libs" >consort.ini
	CONSORT_PLUGIN_PATH= expect 0 plugins list -f csv
	has out consort-sqlite.so
	CONSORT_PLUGIN_PATH= expect 0 plugins explain sqlite --path "$PWD/empty"
	has out taken
	echo nonsense >consort.ini
	CONSORT_PLUGIN_PATH= expect 0 plugins check sqlite --path "$testing_build/.libs"
	has err "plugin_path is left out"
	expect 3 -c consort.ini plugins list
}

test_check_config() {
	expect 0 check-config
	has out "good: 1 database, 3 resources declared"
	echo 'typo = x' >>consort.ini
	expect 3 check-config
	has err "consort.ini:"
	expect 3 -c missing.ini check-config
	rm consort.ini
	expect 3 check-config
	has err "there is no ./consort.ini"
	printf '[database a]\ntype = sqlitte\n' >consort.ini
	expect 4 check-config
	printf '[database a]\ntype = sqlite\npath = ${env:NOT_THERE}\n' >consort.ini
	expect 3 check-config
	has err NOT_THERE
}

# A key that only introspection tells, and a database that is not there.
test_partly_declared() {
	make_data
	cat >partly.ini <<'END'
[database core]
type = sqlite
path = core.db
[database gone]
type = sqlite
path = /nonexistent/x.db
[resource flight]
database = core
source = flights
key = id
attribute.departed_at = timestamp
index.late = departed_at, delay_min
[resource lost]
database = gone
key = id
END
	expect 0 -c partly.ini check-config
	has out "good: 2 databases, 2 resources declared"
	expect 0 -c partly.ini resources --declared -f csv
	has out "lost,gone,lost"
	expect 0 -c partly.ini describe flight
	has out "key: id"
	expect 5 -c partly.ini resources
	has out flight
	has out lost
	has err "lost: "
	expect 5 -c partly.ini find lost
}

test_manifest_choice() {
	mkdir sub
	mv consort.ini sub/other.ini
	expect 0 -c sub/other.ini check-config
	CONSORT_CONFIG=sub/other.ini expect 0 check-config
	expect 0 -d x=sqlite:path=x.db native x 'create table t (a integer primary key, b text)'
	expect 0 -d x=sqlite:path=x.db create x.t a=1 b=one
	expect 0 -d x=sqlite:path=x.db find x.t
	output 'a,b\n1,one\n'
}

test_errors_as_json() {
	make_data
	expect 2 --json find note -w 'texd = 1'
	has err '{"error":{"status":"name","message":"'
	has err '"position":'
	expect 6 create note id=1 --json
	has err '"status":"constraint"'
}

test_explain() {
	make_data
	expect 0 explain find note -w 'id = $1'
	has out core
	expect 0 explain --analyze find note -w 'id = $1' -p 1
	expect 2 explain --analyze find note -w 'id = $1'
	expect 0 explain --json find note -w '1 / id > 0'
	has out '"resource":"note"'
	has out '"not_sent":["'
	lacks out '"not sent"'
	expect 0 explain --dot find note
	has out digraph
	expect 2 explain note
}

test_broken_pipe() {
	make_data
	i=0
	while [ $i -lt 2000 ]; do
		i=$((i + 1))
		printf '{"id":%d,"text":"%070d"}\n' $((i + 100)) 0
	done | "$consort" -q create note - || fail "create"
	for format in csv json jsonl table; do
		{ "$consort" find note -f $format 2>err; echo $? >status; } | head -1 >out
		[ "$(cat status)" -eq 0 ] || fail "$format: status $(cat status)"
		[ ! -s err ] || fail "$format: $(cat err)"
	done
}

test_full_disk() {
	[ -w /dev/full ] || return 0
	make_data
	"$consort" find note >/dev/full 2>err
	status=$?
	[ $status -eq 5 ] || fail "status $status"
	has err "standard output: cannot write"
	"$consort" --help >/dev/full 2>err && fail "--help"
	"$consort" version --json >/dev/full 2>err && fail "version"
}

test_timeout() {
	make_data
	expect 7 --timeout 100ms native core \
		'with recursive c(x) as (select 1 union all select x + 1 from c) select count(*) as n from c'
}

test_interrupt() {
	make_data
	endless='with recursive c(x) as (select 1 union all select x + 1 from c) select count(*) as n from c'
	"$consort" native core "$endless" >out 2>err &
	pid=$!
	await waits_for_signals $pid
	kill -INT $pid
	wait $pid
	status=$?
	[ $status -eq 7 ] || fail "status $status: $(cat err)"
}

# Does a process have SIGHUP, SIGINT and SIGTERM blocked, since a thread waits for them? The shell that libtool puts
# before it blocks some of them now and then.
waits_for_signals() {
	grep -qi '^SigBlk:.*4003$' /proc/"$1"/status
}

# A database must not be opened under the number of a descriptor that the caller closed.
test_closed_descriptors() {
	make_data
	for command in 'find note' 'version' 'databases' 'explain find note'; do
		"$consort" $command >&- 2>err
		status=$?
		[ $status -eq 5 ] || fail "$command: status $status"
		has err "standard output: cannot write: Bad file descriptor"
		"$consort" $command >&- 2>&- <&-
		[ $? -eq 5 ] || fail "$command: all closed"
	done
	timeout 20 "$consort" import note - --input csv 2>err <&-
	status=$?
	[ $status -eq 5 ] || fail "import: status $status"
	has err "standard input: cannot read"
	expect 0 find note -s 'count(*)'
	output 'count(*)\n4\n'
}

# Data that is broken, or does not fit, is 2, whoever reads it; what a database refuses is 6.
test_exit_statuses() {
	make_data
	mkdir files
	printf 'id,text\n5,a\n6\n' >files/width.csv
	printf 'id,text\n5,a\n6,"b\n' >files/quote.csv
	printf 'id,text\n5,a\n6,\377\n' >files/utf.csv
	printf 'id,text\n5,a\nsix,b\n' >files/type.csv
	printf '{"id":5}\n{"id":\n' >files/broken.jsonl
	printf '{"id":5}\n{"id":"six"}\n' >files/type.jsonl
	cat >>consort.ini <<'END'
[database files]
type = file
path = files
END
	for file in files/*; do
		name=$(basename "$file")
		printf '[resource %s]\ndatabase = files\nattribute.id = int64\nattribute.text = text\n' "$name"
	done >>consort.ini
	for file in files/*; do
		name=$(basename "$file")
		expect 2 find "$name"
		[ -s err ] || fail "find $name says nothing"
		expect 2 import note "$file"
		"$consort" -q delete note 5 || fail "import $name"
		case $name in
		*.jsonl)
			"$consort" create note - <"$file" >out 2>err
			status=$?
			[ $status -eq 2 ] || fail "create - with $name: status $status: $(cat err)" ;;
		esac
	done
	"$consort" -q native core 'create table loose (id integer primary key, n)'
	"$consort" -q native core "insert into loose values (1, 'x')"
	printf '[resource loose]\ndatabase = core\nattribute.n = int64\n' >>consort.ini
	expect 2 find loose
	has err "'x'"
	printf 'id\n1\n' >twice.csv
	expect 6 import note twice.csv
	expect 6 create note id=1
}

finish command "$@"
