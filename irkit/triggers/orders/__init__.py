"""From what was decided to runs that end: the orders in the queue, who carries them out, and when they wait."""
