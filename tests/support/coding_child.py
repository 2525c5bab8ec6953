"""A process that codes as fast as it can, and says each act that was acknowledged; it is made to be killed."""

from codebook.coding import open_session

if __name__ == "__main__":
    with open_session("ann") as session:
        print("shown", flush=True)
        n = 0
        while session.unit is not None:
            n += 1
            if n % 9 == 0 and session.state.can_undo:
                session.undo()
            else:
                session.label("coal" if n % 2 else "sports")
            last = session.log.acts[-1]
            print("saved", last["n"], last["unit"], session.unit and session.unit.unit_id, flush=True)
