"""What the action costs, beside what else could do its work. Started by bench/compare, bench/profile and bench/round-trips."""
