"""A process that codes as fast as it can, and says each act that was acknowledged; it is made to be killed.

For each line of its input it forks one, which says its number first. When that one is dead, it says so.
"""

import os
import sys

from codebook.coding import open_session


def code_on() -> None:
    with open_session("ann") as session:
        print("shown", os.getpid(), flush=True)
        n = 0
        while session.unit is not None:
            n += 1
            if n % 9 == 0 and session.state.can_undo:
                session.undo()
            else:
                session.label("coal" if n % 2 else "sports")
            last = session.log.acts[-1]
            print("saved", last["n"], last["unit"], session.unit and session.unit.unit_id, flush=True)


if __name__ == "__main__":
    for _ in sys.stdin:
        child = os.fork()
        if not child:
            code_on()
            os._exit(0)
        os.waitpid(child, 0)
        print("dead", flush=True)
