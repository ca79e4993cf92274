"""The engine: what happens at each event, over flat lists of numbers.

One source runs twice: as plain Python over lists, and compiled by numba over arrays (compiled.py).
So it keeps to whole numbers, lists and plain functions, and draws nothing itself: random numbers
are drawn before, in blocks, and `run` returns when a block is used up, to be called again. Times
are whole milliseconds since the first midnight, so sums of intervals are exact. An event is one
whole number, time above kind above who, so that events at one instant have one order. It is a
single file, longer than others here, because numba's cache watches a file at a time.
"""

from heapq import heappop, heappush

from crmkit.simulate.dialer.desk import Call, Counts, Desk, Ints

# Kinds of events; the number decides who goes first at one instant.
FAIL, CALL_END, WRAP_END, PICK_UP, TICK, AMD_END, GIVE_UP, SCHEDULE, LOOK_END, ARRIVAL = range(10)
CALLBACK_DUE, WAKE_UP, WINDOW_TURN, DIAL_TIMER, THE_END, HALT = range(10, 16)
TIME, KIND, WHO, WHAT = 27, 23, (1 << 23) - 1, (1 << 27) - 1
FROM_CALL_END, FROM_WRAP_END, FROM_PICK_UP = CALL_END << KIND, WRAP_END << KIND, PICK_UP << KIND
FROM_TICK, FROM_REST, FROM_HALT = TICK << KIND, AMD_END << KIND, HALT << KIND
NEVER = 1 << 35
# Kinds of calls, states and phases of agents, pacings, results and outcomes.
LISTED, CALLED_BACK, BY_VOICE, COMING_IN = range(4)
OFFLINE, IS_READY, PREVIEW, RINGING, TALK, WRAP, PAUSE = range(7)
OFF, PAUSED, IDLE, BUSY = range(4)
RATIO, AVERAGE, HARD, TAPERED, ERLANG = range(5)
HUMAN, MACHINE, NO_ANSWER, BLOCKED, DROPPED = 0, 1, 2, 10, 11
MACHINE_CODE = 17
NI, SALE, CALLBK, INT, WRONG_PARTY, ASKED_DNC, HUP, AM, SERVED, VOICE_INT, VOICE_HEARD = range(11)
NO_SLOT = 65_535
QUARTER = 900_000


push = heappush
pop = heappop
size = len


def push_array(heap: Ints, value: int) -> None:
    """The same over an array, for the compiled engine; its last element is the size."""
    at = heap[-1]
    heap[-1] += 1
    while at > 0:
        above = (at - 1) >> 1
        if heap[above] <= value:
            break
        heap[at] = heap[above]
        at = above
    heap[at] = value


def pop_array(heap: Ints) -> int:
    """The same over an array, for the compiled engine."""
    least = heap[0]
    heap[-1] -= 1
    end = heap[-1]
    last = heap[end]
    at = 0
    below = 1
    while below < end:
        if below + 1 < end and heap[below + 1] < heap[below]:
            below += 1
        if last <= heap[below]:
            break
        heap[at] = heap[below]
        at = below
        below = 2 * at + 1
    heap[at] = last
    return least


def size_array(heap: Ints) -> int:
    """The same over an array, for the compiled engine."""
    return heap[-1]


def run(f: Desk) -> None:
    """Handle events until there are none, or until a block of numbers, rows or events is used up.

    The last event never comes: it is the one that ends the run.
    """
    n = f.counts[0]
    heap = f.heap
    calls = f.calls
    left = 1
    while True:
        left -= 1
        if left == 0:
            if used_up(f, n):
                return
            left = 64
        event = pop(heap)
        t = event >> TIME
        what = event & WHAT
        if what < FROM_CALL_END:
            failed(f, n, t, calls[what])
        elif what < FROM_WRAP_END:
            call_end(f, n, t, calls[what - FROM_CALL_END])
        elif what < FROM_PICK_UP:
            release(f, n, t, what - FROM_WRAP_END)
        elif what < FROM_TICK:
            answered(f, n, t, calls[what - FROM_PICK_UP])
        elif what < FROM_REST:
            tick(f, n, t)
        elif what < FROM_HALT:
            seldom(f, n, t, what >> KIND, what & WHO)
        else:
            push(heap, event)
            n.done = 1
            return
        if n.lines < n.goal or n.eager == 1:
            launch(f, n, t)


def used_up(f: Desk, n: Counts) -> bool:
    """Whether a block is used up but for its margin."""
    room = n.room
    return (
        n.dial > room
        or n.rows > room
        or n.turns > room
        or n.looks > room
        or n.gaps > room
        or n.answered > room
        or n.talks > room
        or n.notes > room
        or size(f.heap) > n.heap_room
    )


def seldom(f: Desk, n: Counts, t: int, kind: int, who: int) -> None:
    """The kinds of events that are less frequent."""
    if kind == DIAL_TIMER:
        dial_timer(f, n, t)
    elif kind == ARRIVAL:
        arrival(f, n, t)
    elif kind == AMD_END:
        amd_end(f, n, t, f.calls[who])
    elif kind == GIVE_UP:
        call = f.calls[who]
        if call.waits == 1 and call.until == t:
            drop(f, n, t, call)
    elif kind == LOOK_END:
        look_end(f, n, t, who)
    elif kind == SCHEDULE:
        schedule(f, n, t, who)
    elif kind == CALLBACK_DUE:
        callback_due(f, n, t, who)
    elif kind == WAKE_UP:
        if f.pools[who].wake <= t:
            f.pools[who].wake = 0
    elif kind == WINDOW_TURN:
        window_turn(f, n, t)
    else:
        the_end(f, n, t)


# Dialling.


def launch(f: Desk, n: Counts, t: int) -> None:
    """Dial as many as the mode asks for: agents first, then automatic voice."""
    if n.reserves == 0:
        due = f.due
        while n.lines < n.goal and n.free > 0:
            lead = pop(due) & WHO if due[0] >> KIND <= t else next_lead(f, n, t, 0)
            if lead < 0:
                break
            dial(f, n, t, lead, -1, LISTED)
    elif n.open == 1:
        while n.ready > 0 and n.free > 0:
            lead = next_lead(f, n, t, 0)
            if lead < 0:
                break
            reserve(f, n, t, f.agents[n.agents].after, lead)
    while n.voices < n.voice_lines and n.open == 1 and n.free > 0:
        lead = next_lead(f, n, t, 1)
        if lead < 0:
            break
        dial(f, n, t, lead, -1, BY_VOICE)


def next_lead(f: Desk, n: Counts, t: int, pool: int) -> int:
    """A lead whose retry is due, else a fresh one, else -1 and a time to wake up."""
    due = f.due if pool == 0 else f.due_voice
    if due[0] >> KIND <= t:
        return pop(due) & WHO
    mine = f.pools[pool]
    at = mine.fresh
    if at < mine.end:
        mine.fresh = at + 1
        return f.fresh[at]
    at = due[0] >> KIND
    if at < NEVER and (mine.wake == 0 or at < mine.wake):
        mine.wake = at
        push(f.heap, (at << TIME) | (WAKE_UP << KIND) | pool)
    return -1


def later(f: Desk, n: Counts, t: int, lead: int, result: int) -> None:
    """Put a lead back for another attempt, if its result allows one."""
    one = f.leads[lead]
    if one.tries < f.retry_limit[result]:
        due = f.due if one.by_voice == 0 else f.due_voice
        push(due, ((t + f.retry_after[result]) << KIND) | lead)


def dial(f: Desk, n: Counts, t: int, lead: int, agent: int, kind: int) -> None:
    """Take a trunk and dial; what will come of it is decided here."""
    n.free -= 1
    slot = f.free[n.free]
    call = f.calls[slot]
    one = f.leads[lead]
    d = n.dial
    n.dial = d + 1
    call.seq = n.seq
    n.seq += 1
    one.tries += 1
    call.lead = lead
    call.start = t
    call.agent = agent
    call.kind = kind
    if kind == LISTED:
        n.lines += 1
    elif kind == BY_VOICE:
        n.voices += 1
    u = f.u[d]
    p = one.reach * f.hour_factor[one.hour_kind + f.hour[t // QUARTER]]
    ring = f.ring[d]
    if u < p:
        code = HUMAN
        if ring > n.timeout:
            ring = n.timeout
            code = (NO_ANSWER << 4) | NO_ANSWER
    else:
        v = (u - p) / (1.0 - p) * n.kinds
        k = int(v)
        if k == n.kinds:  # by rounding, when u is next to 1
            k -= 1
        cause = f.causes[one.alias_at + k]
        code = cause.code
        share = cause.share
        if v - k >= cause.cut:
            code = cause.other
            share = cause.other_share
        ring = int(ring * share)
        if ring > n.timeout:  # noqa: PLR1730 (faster than min)
            ring = n.timeout
    call.code = code
    event = ((t + n.setup + ring + 1) << TIME) | slot
    if code == HUMAN or code == MACHINE_CODE:  # noqa: SIM109, PLR1714 (faster)
        event += PICK_UP << KIND
    push(f.heap, event)


def failed(f: Desk, n: Counts, t: int, call: Call) -> None:
    """Nobody answered: write it, free the trunk, try again later if that is allowed."""
    code = call.code
    lead = call.lead
    kind = call.kind
    row = 4 * n.rows  # as in hang_up, which would be one more call for most of all events
    n.rows += 1
    rows = f.call_rows
    one = f.leads[lead]
    rows[row] = (lead << 32) | (one.tries << 26) | (call.slot << 10) | (kind << 8) | code
    rows[row + 1] = call.seq
    rows[row + 2] = call.start
    rows[row + 3] = t
    f.free[n.free] = call.slot
    n.free += 1
    if kind == LISTED:
        n.lines -= 1
    elif kind == BY_VOICE:
        n.voices -= 1
    result = code & 15
    if one.tries < f.retry_limit[result]:
        due = f.due if one.by_voice == 0 else f.due_voice
        push(due, ((t + f.retry_after[result]) << KIND) | lead)
    if call.agent >= 0:
        release(f, n, t, call.agent)


def hang_up(f: Desk, n: Counts, t: int, call: Call) -> None:
    """Free the trunk and write the call's row."""
    row = 4 * n.rows
    n.rows += 1
    kind = call.kind
    rows = f.call_rows
    tries = 0 if kind == COMING_IN else f.leads[call.lead].tries
    rows[row] = (call.lead << 32) | (tries << 26) | (call.slot << 10) | (kind << 8) | call.code
    rows[row + 1] = call.seq
    rows[row + 2] = call.start
    rows[row + 3] = t
    f.free[n.free] = call.slot
    n.free += 1
    if kind == LISTED:
        n.lines -= 1
    elif kind == BY_VOICE:
        n.voices -= 1


def note(f: Desk, n: Counts, call: Call, wrap_end: int, disposition: int, left: int) -> None:
    """Write what an answered call adds to its row; `left` is 1 where the person gave up waiting."""
    row = n.notes
    n.notes = row + 1
    row *= 6
    rows = f.note_rows
    rows[row] = call.seq
    rows[row + 1] = call.answer
    rows[row + 2] = call.queued
    rows[row + 3] = call.agent_at
    rows[row + 4] = wrap_end
    rows[row + 5] = ((call.agent + 1) << 16) | ((disposition + 1) << 8) | (call.amd << 1) | left


# Answered calls.


def answered(f: Desk, n: Counts, t: int, call: Call) -> None:
    """Someone or something picked up: play the message, listen for machines, or find an agent."""
    code = call.code
    k = n.answered
    n.answered = k + 1
    call.answer = t
    call.queued = -1
    call.agent_at = -1
    call.patience = f.patience[k]
    call.amd = 0
    u = f.v[k]
    if call.kind == BY_VOICE:
        call.disposition = AM
        if code == HUMAN:
            call.disposition = VOICE_INT if u < f.leads[call.lead].interest else VOICE_HEARD
        push(f.heap, ((t + f.message[k]) << TIME) | (CALL_END << KIND) | call.slot)
    elif call.kind == LISTED and n.amd_ms >= 0:
        sure = n.amd_human if code == HUMAN else n.amd_machine
        is_machine = (code == HUMAN) == (u >= sure)
        call.amd = 2 if is_machine else 1
        push(f.heap, ((t + n.amd_ms) << TIME) | (AMD_END << KIND) | call.slot)
    else:
        offer(f, n, t, call)


def amd_end(f: Desk, n: Counts, t: int, call: Call) -> None:
    """Detection has made up its mind: hang up on a machine, or find an agent."""
    if call.amd == 1:
        offer(f, n, t, call)
        return
    agent = call.agent
    call.agent = -1
    note(f, n, call, -1, -1, 0)
    hang_up(f, n, t, call)
    later(f, n, t, call.lead, MACHINE)
    if agent >= 0:
        release(f, n, t, agent)


def offer(f: Desk, n: Counts, t: int, call: Call) -> None:
    """Give an answered call to its agent, to the one ready longest, or to the queue."""
    call.queued = t
    if call.kind == LISTED:
        n.live += 1
        n.minute_live += 1
        n.all_live += 1
    if call.agent >= 0:
        connect(f, n, t, call, call.agent)
        return
    first = f.agents[n.agents].after
    if first < n.agents:
        take(f, n, first)
        connect(f, n, t, call, first)
        return
    wait = min(n.grace, call.patience)
    enqueue(f, n, call, 0)
    if wait == 0:
        drop(f, n, t, call)
    else:
        call.until = t + wait
        push(f.heap, ((t + wait) << TIME) | (GIVE_UP << KIND) | call.slot)


def enqueue(f: Desk, n: Counts, call: Call, queue: int) -> None:
    """Put a call at the end of a queue: 0 for those called, 1 for callers."""
    head = n.trunks + queue
    last = f.calls[head].before
    f.calls[last].after = call.slot
    call.before = last
    call.after = head
    f.calls[head].before = call.slot
    call.waits = 1
    if queue == 0:
        n.waiting += 1


def dequeue(f: Desk, n: Counts, call: Call) -> None:
    """Take a call out of its queue."""
    f.calls[call.before].after = call.after
    f.calls[call.after].before = call.before
    call.waits = 0
    if call.kind != COMING_IN:
        n.waiting -= 1


def drop(f: Desk, n: Counts, t: int, call: Call) -> None:
    """A waiting call ends without an agent: by the person's patience, or by the floor's grace."""
    dequeue(f, n, call)
    coming_in = call.kind == COMING_IN
    left = 0
    if call.patience >= 0 and t - call.queued >= call.patience:
        left = 1
    note(f, n, call, -1, -1, left)
    hang_up(f, n, t, call)
    if not coming_in:
        n.drops += 1
        n.minute_drops += 1
        later(f, n, t, call.lead, DROPPED)


def connect(f: Desk, n: Counts, t: int, call: Call, agent: int) -> None:
    """An agent takes a call; how long it takes and what comes of it is decided here."""
    kind = call.kind
    call.agent = agent
    call.agent_at = t
    if kind == COMING_IN:
        talk = f.callers[call.lead].talk
        wrap = f.callers[call.lead].wrap
        call.disposition = SERVED
    else:
        k = n.talks
        n.talks = k + 1
        talk = f.talk[k]
        wrap = f.wrap[k]
        call.delay = f.delay[k]
        if call.code == HUMAN:
            day = min(t // 86_400_000, n.days - 1)
            skill = f.skill[agent * n.days + day]
            call.disposition = outcome(f, n, call.lead, skill, talk, f.w[k])
        else:
            call.disposition = AM
            talk = n.machine_ms
        if kind == LISTED:
            n.talking += 1
            regoal(f, n)
    call.wrap = int(wrap * f.agents[agent].speed)
    turn(f, n, t, agent, TALK, 0, call.seq)
    end = t + int(talk * f.agents[agent].speed) + 1
    push(f.heap, (end << TIME) | (CALL_END << KIND) | call.slot)


def outcome(  # noqa: PLR0911 (a return for each outcome)
    f: Desk, n: Counts, lead: int, skill: float, talk: int, u: float
) -> int:
    """What comes of a conversation with a person."""
    edge = 0.0
    if talk < n.pitch:
        edge = n.dnc
        if u < edge:
            return ASKED_DNC
        return WRONG_PARTY if u < edge + n.wrong else HUP
    edge = f.leads[lead].interest * skill
    if u < edge:
        return SALE
    edge += n.callback
    if u < edge:
        return CALLBK
    edge += n.interested
    if u < edge:
        return INT
    edge += n.wrong
    if u < edge:
        return WRONG_PARTY
    return ASKED_DNC if u < edge + n.dnc else NI


def call_end(f: Desk, n: Counts, t: int, call: Call) -> None:
    """A conversation or a message is over."""
    agent = call.agent
    kind = call.kind
    disposition = call.disposition
    wrap_end = t + call.wrap if agent >= 0 else -1
    note(f, n, call, wrap_end, disposition, 0)
    hang_up(f, n, t, call)
    if agent >= 0:
        if kind == LISTED:
            n.talking -= 1
            regoal(f, n)
            n.handled += 1
            n.handle_ms += wrap_end - call.agent_at
        turn(f, n, t, agent, WRAP, 0, call.seq)
        push(f.heap, (wrap_end << TIME) | (WRAP_END << KIND) | agent)
    if kind == COMING_IN:
        return
    lead = call.lead
    if disposition == CALLBK:
        agree_callback(f, n, t + call.delay, lead, agent)
    elif disposition == HUP:
        later(f, n, t, lead, HUMAN)
    elif disposition == AM:
        later(f, n, t, lead, MACHINE)


def agree_callback(f: Desk, n: Counts, at: int, lead: int, agent: int) -> None:
    """A callback, by the agent who agreed it or by any, if an attempt is left."""
    if f.leads[lead].tries >= f.retry_limit[DROPPED + 1]:
        return
    if n.own == 1:
        f.leads[lead].owner = agent
        push(f.heap, (at << TIME) | (CALLBACK_DUE << KIND) | lead)
    else:
        push(f.due, (at << KIND) | lead)


# Agents.


def turn(f: Desk, n: Counts, t: int, agent: int, state: int, reason: int, seq: int) -> None:
    """Write a change of an agent's state."""
    me = f.agents[agent]
    if me.state != state:
        me.state = state
        row = 3 * n.turns
        n.turns += 1
        rows = f.turn_rows
        rows[row] = (agent << 10) | (state << 6) | reason
        rows[row + 1] = t
        rows[row + 2] = seq


def regoal(f: Desk, n: Counts) -> None:
    """How many lines the level asks for: agents ready or talking, times the level."""
    n.goal = n.open * int(n.level * (n.ready + n.talking))


def take(f: Desk, n: Counts, agent: int) -> None:
    """Take an agent out of the line of those ready."""
    me = f.agents[agent]
    f.agents[me.before].after = me.after
    f.agents[me.after].before = me.before
    me.phase = BUSY
    if me.takes_out == 1:
        n.ready -= 1
        regoal(f, n)


def release(f: Desk, n: Counts, t: int, agent: int) -> None:
    """An agent is done: on to the next call, or to the pause or home that is due."""
    me = f.agents[agent]
    want = me.want
    if want == 1:
        become_ready(f, n, t, agent)
        return
    if me.phase == BUSY and me.takes_out == 1:
        n.present -= 1
    if want == 0:
        me.phase = OFF
        turn(f, n, t, agent, OFFLINE, 0, -1)
    else:
        me.phase = PAUSED
        turn(f, n, t, agent, PAUSE, want - 2, -1)


def become_ready(f: Desk, n: Counts, t: int, agent: int) -> None:
    """Take the caller or the answered call waiting longest, an own callback, or wait."""
    me = f.agents[agent]
    if me.takes_out == 1 and me.phase < IDLE:
        n.present += 1
    me.phase = BUSY
    if me.takes_in == 1:
        slot = f.calls[n.trunks + 1].after
        if slot < n.trunks:
            dequeue(f, n, f.calls[slot])
            connect(f, n, t, f.calls[slot], agent)
            return
    if me.takes_out == 1:
        slot = f.calls[n.trunks].after
        if slot < n.trunks:
            dequeue(f, n, f.calls[slot])
            connect(f, n, t, f.calls[slot], agent)
            return
        if me.own_first >= 0 and n.open == 1 and n.free > 0:
            dial_own(f, n, t, agent)
            return
        n.ready += 1
        regoal(f, n)
    me.phase = IDLE
    turn(f, n, t, agent, IS_READY, 0, -1)
    head = n.agents + me.group
    last = f.agents[head].before
    f.agents[last].after = agent
    me.before = last
    me.after = head
    f.agents[head].before = agent


def dial_own(f: Desk, n: Counts, t: int, agent: int) -> None:
    """An agent dials a callback that he or she agreed."""
    lead = f.agents[agent].own_first
    f.agents[agent].own_first = f.leads[lead].own_next
    turn(f, n, t, agent, RINGING, 0, n.seq)
    dial(f, n, t, lead, agent, CALLED_BACK)


def reserve(f: Desk, n: Counts, t: int, agent: int, lead: int) -> None:
    """Keep an agent for a lead: to look at it first, or to be there when it answers."""
    take(f, n, agent)
    if n.looks_first == 1:
        f.agents[agent].lead = lead
        turn(f, n, t, agent, PREVIEW, 0, -1)
        look = f.look[n.looks]
        n.looks += 1
        push(f.heap, ((t + look) << TIME) | (LOOK_END << KIND) | agent)
    else:
        dial(f, n, t, lead, agent, LISTED)


def look_end(f: Desk, n: Counts, t: int, agent: int) -> None:
    """The agent has seen the lead and dials it, unless the window has closed."""
    if n.open == 0:
        push(f.due, (t << KIND) | f.agents[agent].lead)
        release(f, n, t, agent)
    elif n.free == 0:
        push(f.heap, ((t + 1000) << TIME) | (LOOK_END << KIND) | agent)
    else:
        turn(f, n, t, agent, RINGING, 0, n.seq)
        dial(f, n, t, f.agents[agent].lead, agent, LISTED)


def schedule(f: Desk, n: Counts, t: int, agent: int) -> None:
    """The roster asks an agent to come, pause, return or go; the busy do so when they are done."""
    entry = f.agents[agent].roster_next
    f.agents[agent].roster_next = entry + 1
    want = f.roster_want[entry]
    f.agents[agent].want = want
    if entry + 1 < f.agents[agent].roster_end:
        at = f.roster_at[entry + 1]
        push(f.heap, (at << TIME) | (SCHEDULE << KIND) | agent)
    if f.agents[agent].phase == IDLE:
        if want != 1:
            take(f, n, agent)
            release(f, n, t, agent)
    elif f.agents[agent].phase != BUSY:
        release(f, n, t, agent)


def callback_due(f: Desk, n: Counts, t: int, lead: int) -> None:
    """A callback is due: its agent dials it now if ready, else as soon as possible."""
    agent = f.leads[lead].owner
    f.leads[lead].own_next = f.agents[agent].own_first
    f.agents[agent].own_first = lead
    if f.agents[agent].phase == IDLE and n.open == 1 and n.free > 0:
        take(f, n, agent)
        dial_own(f, n, t, agent)


# Callers, the window, pacing, the end.


def arrival(f: Desk, n: Counts, t: int) -> None:
    """A caller comes in: an agent, the queue, or no line free."""
    i = n.next_in
    n.next_in = i + 1
    if i + 1 < n.inbounds:
        push(f.heap, (f.callers[i + 1].at << TIME) | (ARRIVAL << KIND))
    seq = n.seq
    n.seq = seq + 1
    if n.free == 0:
        row = n.rows
        n.rows = row + 1
        row *= 4
        f.call_rows[row] = (NO_SLOT << 10) | (COMING_IN << 8) | (BLOCKED << 4) | BLOCKED
        f.call_rows[row + 1] = seq
        f.call_rows[row + 2] = t
        f.call_rows[row + 3] = t
        return
    n.free -= 1
    call = f.calls[f.free[n.free]]
    call.seq = seq
    call.lead = i
    call.start = t
    call.answer = t
    call.queued = t
    call.agent_at = -1
    call.agent = -1
    call.amd = 0
    call.code = HUMAN
    call.kind = COMING_IN
    call.patience = f.callers[i].patience
    first = f.agents[n.agents + n.in_group].after
    if first < n.agents:
        take(f, n, first)
        connect(f, n, t, call, first)
        return
    enqueue(f, n, call, 1)
    if f.callers[i].patience >= 0:
        call.until = t + f.callers[i].patience
        push(f.heap, (call.until << TIME) | (GIVE_UP << KIND) | call.slot)


def window_turn(f: Desk, n: Counts, t: int) -> None:
    """The calling window opens or closes; a day of drop statistics begins."""
    w = n.window
    n.window = w + 1
    if w + 1 < n.windows:
        push(f.heap, (f.window_at[w + 1] << TIME) | (WINDOW_TURN << KIND))
    n.open = 1 - n.open
    regoal(f, n)
    if n.open == 0:
        return
    n.ticks = n.live = n.drops = n.minute_live = n.minute_drops = n.seen_live = n.seen_drops = 0
    n.sum_diff = 0.0
    n.sum_agents = 0.0
    if n.pacing == ERLANG:
        push(f.heap, (t << TIME) | (DIAL_TIMER << KIND))
    elif n.pacing != RATIO:
        n.level = 1.0
        regoal(f, n)
        push(f.heap, ((t + 1000) << TIME) | (TICK << KIND))
    for agent in range(n.agents):
        if f.agents[agent].phase == IDLE and f.agents[agent].own_first >= 0 and n.free > 0:
            take(f, n, agent)
            dial_own(f, n, t, agent)


def tick(f: Desk, n: Counts, t: int) -> None:
    """A second of adaptive pacing: sample each, change the level every 15, count every 60."""
    if n.open == 0:
        return
    push(f.heap, ((t + 1000) << TIME) | (TICK << KIND))
    second = n.ticks + 1
    n.ticks = second
    n.sum_diff += n.ready - n.waiting
    n.sum_agents += n.ready + n.talking
    if second % 15 == 0:
        if second % 60 == 0:
            n.seen_live = n.live
            n.seen_drops = n.drops
        steer(f, n, t)
        if second % 60 == 0:
            n.minute_live = 0
            n.minute_drops = 0


def steer(f: Desk, n: Counts, t: int) -> None:
    """Move the level by agents waiting over agents, then cut it where too many calls drop."""
    level = n.level
    if n.sum_agents > 0:
        level *= 1.0 + n.intensity * (n.sum_diff + 15.0 * n.target_diff) / n.sum_agents
    level = min(max(level, 1.0), n.max_level)
    if n.ticks % 60 == 0 and n.minute_live > 20 and 2 * n.minute_drops > n.minute_live:
        level *= 0.5
    if n.seen_live > 50 and n.seen_drops > n.drop_target * n.seen_live:
        if n.pacing == HARD:
            level = 1.0
        elif n.pacing == AVERAGE:
            level *= 0.5
        else:
            minute = f.clock[t // QUARTER] + t % QUARTER // 60_000
            now = minute // 60 * 100 + minute % 60
            level *= (n.latest - now) / 1000.0
    n.level = min(max(level, 1.0), n.max_level)
    n.sum_diff = 0.0
    n.sum_agents = 0.0
    regoal(f, n)


def dial_timer(f: Desk, n: Counts, t: int) -> None:
    """Open-loop pacing: dial now, and again after an exponential gap at the planned rate."""
    if n.open == 0:
        return
    present = n.present
    gap = 1000.0
    if n.all_dials > 4000:  # what was learned long ago counts less
        n.all_dials //= 2
        n.all_live //= 2
    if n.handled > 1000:
        n.handled //= 2
        n.handle_ms //= 2
    if present > 0:
        answer = (n.prior * n.plan_answer + n.all_live) / (n.prior + n.all_dials)
        handle = (n.prior * n.plan_handle + n.handle_ms) / (n.prior + n.handled)
        gap = f.gap[n.gaps] * handle * answer / f.load[present]
        n.gaps += 1
        if n.free > 0:
            lead = next_lead(f, n, t, 0)
            if lead >= 0:
                n.all_dials += 1
                dial(f, n, t, lead, -1, LISTED)
    at = t + max(int(gap + 0.5), 1)
    push(f.heap, (at << TIME) | (DIAL_TIMER << KIND))


def the_end(f: Desk, n: Counts, t: int) -> None:
    """The last midnight: whoever still waits is let go, and nobody is dialled any more."""
    n.open = 0
    n.goal = 0
    for queue in range(2):
        head = n.trunks + queue
        while f.calls[head].after < n.trunks:
            drop(f, n, t, f.calls[f.calls[head].after])
