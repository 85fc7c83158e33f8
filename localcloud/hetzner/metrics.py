"""Time series of servers and load balancers."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from localcloud.hetzner.cloud import Cloud
from localcloud.hetzner.errors import invalid
from localcloud.hetzner.routing import Answer, Call
from localcloud.machines.interface import MachineError

SAMPLES = 200
MAX_SAMPLES = 500
SERVER_SERIES = {
    "cpu": ("cpu",),
    "disk": ("disk.0.iops.read", "disk.0.iops.write", "disk.0.bandwidth.read", "disk.0.bandwidth.write"),
    "network": ("network.0.pps.in", "network.0.pps.out", "network.0.bandwidth.in", "network.0.bandwidth.out"),
}
BALANCER_SERIES = {
    "open_connections": ("open_connections",),
    "connections_per_second": ("connections_per_second",),
    "requests_per_second": ("requests_per_second",),
    "bandwidth": ("bandwidth.in", "bandwidth.out"),
}


def _moment(text: str | None, field: str) -> datetime:
    if text is None:
        raise invalid(field, "Missing data for required field.")
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        raise invalid(field, f"'{text}' is not a point in time in ISO 8601") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _answer(call: Call, series: dict[str, tuple[str, ...]], current: dict[str, float]) -> Answer:
    """The series asked for. Only the present is known: it is one sample, if the time asked for contains it."""
    types = [one for text in call.values("type") for one in text.split(",")]
    if not types:
        raise invalid("type", "Missing data for required field.")
    for one in types:
        if one not in series:
            raise invalid("type", f"'{one}' is not one of {', '.join(series)}")
    start, end = _moment(call.value("start"), "start"), _moment(call.value("end"), "end")
    if end < start:
        raise invalid("end", "must not be before start")
    span = (end - start).total_seconds()
    wanted = call.value("step")
    if wanted is not None and not wanted.replace(".", "", 1).isdecimal():
        raise invalid("step", "must be a positive number of seconds")
    step = max(float(wanted) if wanted else span / SAMPLES, span / MAX_SAMPLES, 1.0)
    moment = time.time()
    inside = start.timestamp() - step <= moment <= end.timestamp() + step
    values = current if inside else {}
    names = [name for one in types for name in series[one]]
    shown: dict[str, Any] = {
        name: {"values": [[round(moment, 3), str(values[name])]] if name in values else []} for name in names
    }
    metrics = {"start": start.isoformat(), "end": end.isoformat(), "step": step, "time_series": shown}
    return Answer(200, {"metrics": metrics})


def server_metrics(call: Call) -> Answer:
    """Series of a server. Machines do not measure themselves here: the series are empty, never made up."""
    call.find("server")
    return _answer(call, SERVER_SERIES, {})


def read_load_balancer(cloud: Cloud, path: dict[str, int]) -> dict[str, float]:
    """What a load balancer's proxy counts now; nothing if it cannot be asked."""
    try:
        return dict(cloud.machines.metrics(path["id"]))
    except MachineError:
        return {}


def load_balancer_metrics(call: Call) -> Answer:
    """Series of a load balancer."""
    call.find("load_balancer")
    return _answer(call, BALANCER_SERIES, call.known or {})
