"""How long the consequences of a fault may last before calm is called calm. Simulated seconds."""

RECONCILE_SECONDS = 30.0
ARMED_SECONDS_MAX = 120.0
"""A fault that waits for a request (or a kill for its moment) strikes or is over by then."""
AFTER_REQUEST_SECONDS = 45.0
"""What a request that went wrong may take to be found out about: the time-out, the window in which
it may still arrive, and the questions after it."""
AFTER_STATE_SECONDS = 10.0
AFTER_START_SECONDS = 15.0
FIND_OUT_SECONDS = 120.0
"""Until the bot has read the exchange's filters anew, or tried again what was refused for long."""
BOOKS_SECONDS = RECONCILE_SECONDS + 5.0
"""Of calm, until the books must be equal."""
BOOKS_ROOM_SECONDS = 20.0
"""An order may be on its way at that very moment: equal once within this time."""
STOP_SECONDS_MAX = 120.0
PAUSE_EVERY_SECONDS = 1_500.0
