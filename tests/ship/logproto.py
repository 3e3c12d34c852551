"""Loki's PushRequest, for protobuf's own decoder: grafana/loki pkg/push/push.proto."""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.timestamp_pb2 import Timestamp

STRING, MESSAGE = 9, 11
ONE, MANY = 1, 3

_MESSAGES = {
    "LabelPairAdapter": [("name", 1, STRING, ONE, ""), ("value", 2, STRING, ONE, "")],
    "EntryAdapter": [
        ("timestamp", 1, MESSAGE, ONE, ".google.protobuf.Timestamp"),
        ("line", 2, STRING, ONE, ""),
        ("structuredMetadata", 3, MESSAGE, MANY, ".logproto.LabelPairAdapter"),
    ],
    "StreamAdapter": [
        ("labels", 1, STRING, ONE, ""),
        ("entries", 2, MESSAGE, MANY, ".logproto.EntryAdapter"),
    ],
    "PushRequest": [("streams", 1, MESSAGE, MANY, ".logproto.StreamAdapter")],
}


def _push_request() -> Any:
    pool = descriptor_pool.DescriptorPool()
    pool.Add(descriptor_pb2.FileDescriptorProto.FromString(Timestamp.DESCRIPTOR.file.serialized_pb))
    file = descriptor_pb2.FileDescriptorProto(
        name="push.proto",
        package="logproto",
        syntax="proto3",
        dependency=["google/protobuf/timestamp.proto"],
    )
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind, label, type_name in fields:
            message.field.add(
                name=field, number=number, type=kind, label=label, type_name=type_name or None
            )
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("logproto.PushRequest"))


PushRequest = _push_request()
