"""Which addresses may be connected to: both sides of the line, by address."""

from __future__ import annotations

import pytest

from crawler.guard import AddressPolicy

PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "93.184.216.34",
    "2606:4700::1111",
    "2a00:1450:4009::200e",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::1",
    "172.32.0.1",
    "100.128.0.1",
    "11.0.0.1",
    "192.0.1.1",
]
PRIVATE = [
    "127.0.0.1",
    "127.9.9.9",
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "100.127.255.255",
    "169.254.169.254",
    "100.100.100.200",
    "192.0.0.192",
    "192.0.0.8",
    "168.63.129.16",
    "192.88.99.1",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2002:c0a8:101::1",
    "2001:0:7f00:1::",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "2001:db8::1",
    "100::1",
    "not an address",
    "",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_is_allowed_on_web_ports_only(address: str) -> None:
    policy = AddressPolicy()
    assert policy.refusal(address, 80) == ""
    assert policy.refusal(address, 443) == ""
    for port in (22, 25, 6379, 8080, 8786, 9200):
        assert str(port) in policy.refusal(address, port)


@pytest.mark.parametrize("address", PRIVATE)
def test_everything_else_is_refused(address: str) -> None:
    assert AddressPolicy().refusal(address, 80)


def test_allowed_network_is_allowed_on_any_port_and_nothing_else_is() -> None:
    policy = AddressPolicy(("127.9.9.0/24",))
    assert policy.refusal("127.9.9.7", 8800) == ""
    assert policy.refusal("127.0.0.1", 80) == "loopback"
    assert policy.refusal("8.8.8.8", 443) == ""
    assert policy.refusal("::ffff:127.9.9.7", 80), "a network is allowed as written, not in disguise"
