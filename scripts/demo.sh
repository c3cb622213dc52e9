#!/bin/sh
# Find a ticket on embedded data (and on MNIST where TICKETRY_DATA has it), then check and show what was found.
set -eu
ticketry="${BIN:-.venv/bin}/ticketry"

tour() { # name data model flags...
    name=$1 data=$2 model=$3
    shift 3
    "$ticketry" find edge-popup --data "$data" --model "$model" --seed 0 --out "runs/demo-$name" "$@"
    "$ticketry" verify "runs/demo-$name/ticket.tkt"
    "$ticketry" eval "runs/demo-$name/ticket.tkt" --data "$data"
    "$ticketry" show "runs/demo-$name/ticket.tkt"
    echo "Open runs/demo-$name/report.html in a browser to see the ticket."
}

tour digits digits mlp:100 --density 0.1 --batch 32 --budget.epochs 30
if [ -n "${TICKETRY_DATA:-}" ] && [ -e "$TICKETRY_DATA/mnist" ]; then
    tour mnist mnist lenet-300-100 --density 0.05 --budget.epochs 3
fi
