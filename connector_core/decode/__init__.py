"""How an answer's body becomes a value: a decoder, and the containers that it comes in.

::

    decode: csv
    decode: [gzip, {type: csv, delimiter: ";"}]

Rule 1: a decoder gives a value of JSON's types (`bytes` alone does not), or raises UndecodableError, which says what
        the body is instead. Nothing is cut off and nothing guessed; what had to be repaired is told.
Rule 2: nothing grows without bound: what is unpacked has a limit, however often it was packed.
Rule 3: a stream gives the same records as `read`, however the body is cut into chunks, and keeps none of them.
Rule 4: `write` and `pack` are the provider's side, for the simulator; they share no code with the client's.
"""

from connector_core.decode.family import LIMIT, Container, Decode, Stream, UndecodableError
from connector_core.decode.json_body import Json, decode_json
from connector_core.decode.steps import Decoding, Steps

__all__ = [
    "LIMIT",
    "Container",
    "Decode",
    "Decoding",
    "Json",
    "Steps",
    "Stream",
    "UndecodableError",
    "decode_json",
]

Decode.live_in(__name__)
