# SPDX-License-Identifier: Apache-2.0
# bash completion for consort(1): commands, options, and the manifest's own names.

# The words up to the cursor, as they were typed: bash splits them at = and : too. `piece` is what it takes the last
# one for, and replaces.
__consort_split() {
	local line=${COMP_LINE:0:COMP_POINT} rest i

	words=()
	for ((i = 0; i <= COMP_CWORD; i++)); do
		rest=${line#"${line%%[![:blank:]]*}"}
		piece=${COMP_WORDS[i]}
		((i < COMP_CWORD)) || piece=$rest
		if ((i > 0)) && [[ $rest == "$line" && "${words[-1]}$piece" == *[=:]* && -n $rest ]]; then
			words[-1]+=$piece
		else
			words+=("$piece")
		fi
		line=${rest#"$piece"}
	done
	cword=$((${#words[@]} - 1))
	cur=${words[cword]}
	prev=${words[cword - 1]}
	[[ $piece == [=:] ]] && piece=""
}

# Asks the command itself, with the manifest and databases of the line that is typed.
__consort_words() {
	"${words[0]}" "${__consort_manifest[@]}" complete "$@" 2>/dev/null
}

# Answers with those words, one a line, that begin as the current one. compgen -W would run what looks like a
# command in them.
__consort_reply() {
	local word begin=${3-$cur} typed=${cur%"$piece"} answer

	while IFS= read -r word; do
		[[ -n $word && $word == "$begin"* ]] || continue
		answer=${2-}$(printf %q "$word")
		COMPREPLY+=("${answer#"$typed"}")
	done <<<"$1"
}

__consort_files() {
	local file

	while IFS= read -r file; do
		[[ -z $file ]] || COMPREPLY+=("$file")
	done <<<"$(compgen -f "$@")"
	compopt -o filenames
}

# NAME=TYPE:OPTION=VALUE,…
__consort_database() {
	local type=${cur#*=} option

	option=${type#*:} option=${option##*,}
	if [[ $cur != *=* ]]; then
		return
	elif [[ $type != *:* ]]; then
		__consort_reply "$(__consort_words types | sed 's/$/:/')" "${cur%"$type"}" "$type"
	elif [[ $option == *=* ]]; then
		__consort_files -- "${option#*=}"
	else
		__consort_reply "$(__consort_words settings "${type%%:*}" | sed 's/$/=/')" "${cur%"$option"}" "$option"
	fi
	compopt -o nospace
}

# The attributes of the resource, behind what stands before the last comma or blank.
__consort_attributes() {
	local word="${cur##*[, ]}"

	__consort_reply "$(__consort_words attributes "$1")" "${cur%"$word"}" "$word"
	compopt -o nospace
}

_consort() {
	local cur prev words cword piece i command="" resource="" operands=0
	local -a __consort_manifest=()

	__consort_split
	COMPREPLY=()
	for ((i = 1; i < cword; i++)); do
		case "${words[i]}" in
		-c | --config | -d | --database)
			__consort_manifest+=("${words[i]}" "${words[i + 1]}")
			((i++)) ;;
		-f | --format | --timeout | -s | --select | -w | --where | -o | --order | -n | --limit | -p | --param | \
		-g | --group | --having | --offset | --after | --input | --map | --ignore | --rejects | --skip | \
		--batch | -t | --types | --path)
			((i++)) ;;
		-*) ;;
		*)
			if [[ -z $command ]]; then
				command="${words[i]}"
			elif [[ $command == explain && ${words[i]} == find && $operands == 0 ]]; then
				:
			else
				((operands++))
				[[ $operands == 1 ]] && resource="${words[i]}"
			fi ;;
		esac
	done

	case "$prev" in
	-c | --config | --rejects)
		__consort_files -- "$cur"
		return ;;
	-f | --format)
		__consort_reply $'table\ncsv\njson\njsonl\nexpanded'
		return ;;
	--input)
		__consort_reply $'csv\njsonl'
		return ;;
	-d | --database)
		__consort_database
		return ;;
	-s | --select | -o | --order | -w | --where | -g | --group | --having | --ignore)
		[[ -n $resource ]] && __consort_attributes "$resource"
		return ;;
	--timeout | -n | --limit | -p | --param | --offset | --after | --map | --skip | --batch | -t | --types | --path)
		return ;;
	esac

	if [[ -z $command ]]; then
		if [[ $cur == -* ]]; then
			__consort_reply "$(__consort_words options)"
		else
			__consort_reply "$(__consort_words commands)"
		fi
		return
	fi
	if [[ $cur == -* ]]; then
		__consort_reply "$(__consort_words options "$command")"
		return
	fi
	case "$command:$operands" in
	help:0)
		__consort_reply "$(__consort_words commands)" ;;
	plugins:0)
		__consort_reply $'list\ninfo\ncheck\nexplain' ;;
	plugins:1)
		__consort_reply "$(__consort_words types)"
		[[ $resource != info && $resource != check ]] || __consort_files -X '!*.so' -- "$cur" ;;
	databases:* | native:0)
		__consort_reply "$(__consort_words databases)" ;;
	describe:0 | get:0 | find:0 | create:0 | update:0 | upsert:0 | delete:0 | import:0 | export:0 | define:* | drop:*)
		__consort_reply "$(__consort_words resources)" ;;
	explain:0)
		if [[ " ${words[*]:0:cword} " == *" find "* ]]; then
			__consort_reply "$(__consort_words resources)"
		else
			__consort_reply find
		fi ;;
	create:* | update:* | upsert:*)
		[[ $cur == *=* ]] || __consort_reply "$(__consort_words attributes "$resource" | sed 's/$/=/')"
		compopt -o nospace ;;
	import:1 | export:1)
		__consort_files -- "$cur" ;;
	esac
}

complete -F _consort consort
