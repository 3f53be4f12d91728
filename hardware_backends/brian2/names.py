"""Names in code for users' names: the same, unless they mean something else there."""

from __future__ import annotations

import hashlib
import keyword
import re

_LONGEST_NAME = 64
_TAKEN = re.compile(
    rf"""
    # Brian2's variables, constants, functions and units
    [ijteN] | dt | t_in_timesteps | N_(incoming|outgoing) | xi | xi_.* | _.* | .*_(pre|post) | pi | inf | lastspike
    | (not_)?refractory | abs | (arc)?(sin|cos|tan)h? | ceil | clip | exp(m1|rel)? | floor | int | log(10|1p)? | poisson
    | randn? | sign | sqrt | timestep | [cmu]m[23]? | [mu]s | [mnpu][AFMSV]
    | ([a-zA-Z]|da)?(amp(ere)?|becquerel|candle|coulomb|farad|gram(me)?|gray|henry|hertz|Hz|joule|katal|kelvin
      |kilogram(me)?|lit(er|re)|lumen|lux|met(er|re)|mole?|molar|newton|ohm|pascal|radian|second|siemens|sievert
      |steradian|tesla|volt|watt|weber)[23]?
    # attributes of its objects
    | add_(attribute|dependency|to_magic_network) | (after|before)_run | assign_id | check_variable_write | clock
    | code_objects | codeobj_class | connect | contained_objects | custom_operation | default_event | delay_?
    | equations | event_(codes|driven) | events | (get|set)_states | id | indices | invalidates_magic_network
    | lastupdate | method_choice | multisynaptic_index | name | order | post | pre | (un)?register_variable | resetter
    | resolve_all | run | run_(on_event|regularly) | runner | set_event_schedule | source | spikes | start | state
    | state_updater | stop | (subexpression_)?updaters? | summed_updaters | target | thresholder | user_equations
    | variables | verify_dependencies | when
    # words of Python, C++ and Cython
    | {" | ".join(keyword.kwlist)} | np | numpy | self
    | alignas | alignof | asm | auto | bitand | bitor | bool | case | catch | char | compl | concept
    | const(eval|expr|init)? | decltype | default | delete | do | double | enum | explicit | export | extern | float
    | friend | goto | inline | long | mutable | namespace | new | noexcept | nullptr | operator | private | protected
    | public | register | requires | restrict | short | signed | sizeof | static | static_assert | struct | switch
    | template | this | thread_local | throw | typedef | typeid | typename | typeof | union | unsigned | using | virtual
    | void | volatile | xor | std | (and|or|not|xor)_eq | co_.* | .*_(t|cast) | NULL | NAN | INFINITY | EOF | HUGE_VAL
    | M_.* | errno | std(in|out|err) | linux | unix | bint | c(p?def|import|typedef) | include | (no)?gil | object
    | DEF | IF | ELIF | ELSE
    # what programs call their own; code of synapses knows the variables of their post neurons, too
    | sound | (heard|weight)\d+ | countdown | n_ref | dt_ms
    | where | (ceil|floor)_of | changing | piece | i_column | i_injected | learns
    | (has|learns)_.* | (q|gain|modulator|spiked_|factor|period|ahead|plastic|intrinsic|probe)\d.*
    | .*_(new|now|old|stream[01]) | w | w_(limit|moved|tagged|drive|rate|left|drawn|chance|count|total) | delay_steps
    | k\d+ | change\d+ | sent | spike_count | again\d+ | scalable | divisor | plastic(_.*)? | .*_value(_.*)?
    """,
    re.VERBOSE,
)
"""Words with a meaning in programs."""


def own(name: str) -> str:
    """The name in code for a name in the equations of a kind of neurons: the same, unless it is taken."""
    return name if _is_plain(name) and not _TAKEN.fullmatch(name) else symbol("neuron", name)


def symbol(kind: str, name: str) -> str:
    """The name in code for a user's name of any form.

    Alone, a user's name may mean something else: Brian2 takes ``xi...`` for noise, ``..._pre`` for a variable of the
    pre neuron, ``_...`` for its own, and Python, C++ and SymPy have words of their own. Names with letters beyond
    ASCII, and those that are too long for the files of C++, are replaced by their digest.
    """
    if _is_plain(name):
        return f"{kind}_{name}_value"
    return f"{kind}x{hashlib.sha256(name.encode()).hexdigest()[:16]}_value"


def _is_plain(name: str) -> bool:
    return name.isascii() and name.isidentifier() and len(name) <= _LONGEST_NAME
