#!/bin/sh
# The restore script of IMP-008, by Coffre.
#   restore.sh backup.sql.gz.enc restored.sql     a file of its layouts, under BACKUP_ENCRYPTION_KEY
#   restore.sh nightly --into env --replace       the newest backup of a series; options as of `coffre backup restore`
set -eu
coffre=${COFFRE_COMMAND:-coffre}
case "${1-}" in
  '') sed -n '2,4s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
  # A command of several words is split.
  *.enc) exec $coffre backup decrypt-file "$@" ;;
  *) exec $coffre backup restore "$@" ;;
esac
