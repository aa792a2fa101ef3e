"""How an answer's body becomes a value: a decoder, and the containers that it comes in.

::

    decode: csv
    decode: [gzip, {type: csv, delimiter: ";"}]

Rule 1: a decoder gives a value of JSON's types (`bytes` alone does not), or raises UndecodableError, which says what
        the body is instead. Nothing is cut off and nothing guessed; what had to be repaired is told.
Rule 2: nothing grows without bound: what is unpacked has a limit, however often it was packed.
Rule 3: a stream gives the same records as `read`, however the body is cut into chunks, and keeps none of them.
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

Decode.late("connector_core.decode.containers", "gzip", "zstd")
Decode.late("connector_core.decode.csv_body", "csv")
Decode.late("connector_core.decode.ndjson", "ndjson")
Decode.late("connector_core.decode.plain", "bytes", "text")
Decode.late("connector_core.decode.xml_body", "xml")
Decode.late("connector_core.decode.zip_archive", "zip")
