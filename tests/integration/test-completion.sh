#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The completion of bash and zsh, and the words that the command gives them.
. "$CONSORT_TEST_SOURCE/tests/integration/command.sh"
completions=$testing_source/tools/completion

test_words() {
	expect 0 complete commands
	has out export
	lacks out complete
	expect 0 complete databases
	output 'core\n'
	expect 0 complete resources
	output 'airport\nflight\nnote\n'
	make_data
	expect 0 complete attributes note
	output 'id\ntext\namount\nbig\ndoc\n'
	expect 0 complete options import
	has out --rejects
	has out --timeout
	expect 0 complete types
	has out sqlite
	expect 0 complete settings sqlite
	has out busy_timeout
	lacks out strict
	# What goes wrong is an empty answer.
	expect 3 -c nowhere.ini complete resources
	[ ! -s err ] || fail "completion must be silent: $(cat err)"
	expect 0 complete settings nothing
	output ''
}

# Both know which options take a value, as the word behind such an option is no operand.
test_options_with_values() {
	for command in $("$consort" complete commands | grep -vx help); do
		for option in $("$consort" complete options "$command"); do
			run "$consort" "$command" "$option"
			grep -q 'needs a value' err || continue
			for file in consort.bash _consort; do
				tr ')|' '  ' <"$completions/$file" | grep -qwe "$option" ||
					fail "$file: $option takes a value"
			done
		done
	done
}

# bash_answers LINE ANSWER…: what bash makes of a line that ends at the cursor, splitting it as readline does.
bash_answers() {
	cat >readline.sh <<'END'
. "$1"
compopt() { :; }
COMP_LINE=$2 COMP_POINT=${#2} COMP_WORDS=() word='' quote=''
for ((i = 0; i < COMP_POINT; i++)); do
	c=${COMP_LINE:i:1}
	if [[ -z $quote && $c == [=:] ]]; then
		[[ -z $word ]] || COMP_WORDS+=("$word")
		COMP_WORDS+=("$c") word=''
	elif [[ -z $quote && $c == ' ' ]]; then
		[[ -z $word ]] || COMP_WORDS+=("$word")
		word=''
	else
		[[ $c != \' ]] || { [[ -n $quote ]] && quote='' || quote=1; }
		word+=$c
	fi
done
[[ -z $word && $c == [=:] ]] || COMP_WORDS+=("$word")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_consort
[[ ${#COMPREPLY[@]} == 0 ]] || printf '%s\n' "${COMPREPLY[@]}"
END
	line=$1
	shift
	: >wanted
	[ $# -eq 0 ] || printf '%s\n' "$@" >wanted
	PATH=$testing_build:$PATH bash --norc readline.sh "$completions/consort.bash" "$line" >out 2>err
	empty err "$line:"
	cmp -s wanted out || fail "$line: $(diff wanted out)"
}

test_bash() {
	command -v bash >/dev/null || skip 'bash completes: apt-get install bash'
	make_data
	touch 'a b.jsonl'
	bash_answers 'consort fi' find
	bash_answers 'consort --fo' --format
	bash_answers 'consort find ' airport flight note
	bash_answers 'consort find flight --wh' --where
	bash_answers 'consort find flight -s id,de' id,departed_at id,delay_min id,destination
	bash_answers "consort find flight -w 'origin = \$1' -p SFO -o 'id, dest" "'id, destination"
	bash_answers 'consort find flight -f j' json jsonl
	bash_answers 'consort explain --analyze fi' find
	bash_answers 'consort explain find fl' flight
	bash_answers 'consort create note te' text=
	bash_answers 'consort create note text=x am' amount=
	bash_answers 'consort update note id=1 text='
	bash_answers 'consort plugins ch' check
	bash_answers 'consort plugins info sq' sqlite
	bash_answers 'consort help imp' import
	bash_answers 'consort databases ' core
	bash_answers 'consort import note a' 'a b.jsonl'
	bash_answers 'consort import note x.jsonl --rejects a' 'a b.jsonl'
	bash_answers 'consort -c cons' consort.ini
	# A database of the command line, which bash splits.
	bash_answers 'consort -d x='"s" sqlite:
	bash_answers 'consort -d x=sqlite:pa' path=
	bash_answers 'consort -d x=sqlite:path=core.db,jo' core.db,journal=
	bash_answers 'consort -d x=sqlite:path=co' consort.ini core.db
	bash_answers 'consort -d x=sqlite:path=core.db describe x.n' x.note
	bash_answers 'consort -d x=sqlite:path=core.db find x.note -s te' text
}

test_zsh() {
	command -v zsh >/dev/null || skip 'zsh completes: apt-get install zsh'
	make_data
	cat >complete.zsh <<'END'
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1= PATH=$1:\$PATH fpath=($2 \$fpath); unsetopt zle_bracketed_paste prompt_cr prompt_sp"
zpty -w shell 'autoload -U compinit; compinit -u -d ./dump; print rea""dy'
zpty -r shell seen '*ready*'
# answers LINE WHAT: a tab behind the line makes it, or shows, that; it would wait for ever.
answers() {
	print -r -- "$1"
	zpty -n -w shell "$1"$'\t'
	zpty -r shell seen "*$2*"
	zpty -n -w shell $'\C-e\C-u'
}
answers 'consort fi' 'find '
answers 'consort find fl' 'flight '
answers 'consort find flight -s id,dep' 'departed_at'
answers "consort find flight -w 'origin = \$1' -p SFO -o 'id, dest" 'destination'
answers 'consort find flight --wh' 'where '
answers 'consort find flight -f tab' 'table '
answers 'consort explain --analyze find fl' 'flight '
answers 'consort create note te' 'text='
answers 'consort plugins info sq' 'lite'
answers 'consort -c cons' 'consort.ini '
answers 'consort -d x=sq' 'sqlite:'
answers 'consort -d x=sqlite:pa' 'path='
answers 'consort -d x=sqlite:path=core.db,jo' 'journal='
answers 'consort -d x=sqlite:path=core' 'core.db '
answers 'consort -d x=sqlite:path=core.db describe x.n' 'x.note '
zpty -d shell
print all
END
	TERM=dumb timeout 60 zsh -f complete.zsh "$testing_build" "$completions" >out 2>err
	[ "$(tail -1 out)" = all ] || fail "zsh does not complete: $(tail -1 out) $(cat err)"
}

finish completion "$@"
