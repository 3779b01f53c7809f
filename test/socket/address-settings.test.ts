// interfaceAddress(): the address and router of a program's settings.

import { expect, test } from "vitest"
import { ipv4Text } from "../../src/net/address"
import { interfaceAddress } from "../../src/socket/address-settings"

test.each([
    ["10.0.0.2/24", "", "255.255.255.0", "0.0.0.0"],
    ["10.0.0.2/24", "10.0.0.1", "255.255.255.0", "10.0.0.1"],
    ["10.0.0.2/1", "0.0.0.0", "128.0.0.0", "0.0.0.0"],
    // RFC 3021: both are hosts
    ["10.0.0.2/31", "10.0.0.3", "255.255.255.254", "10.0.0.3"],
    ["10.0.0.3/31", "10.0.0.2", "255.255.255.254", "10.0.0.2"],
    ["10.0.0.0/31", "", "255.255.255.254", "0.0.0.0"],
    ["10.0.0.2/32", "", "255.255.255.255", "0.0.0.0"],
    ["10.0.0.2/32", "172.31.1.1", "255.255.255.255", "172.31.1.1"],
])("interfaceAddress(%s, %j) returns its mask and router", (own, router, netmask, gateway) => {
    const address = interfaceAddress(own, router)
    expect([address.netmask, address.gateway].map(ipv4Text)).toEqual([netmask, gateway])
})

test.each([
    ["10.0.0.2/31", "10.0.0.1", "is not another host in the network of"],
    ["10.0.0.2/31", "10.0.0.2", "is not another host in the network of"],
    ["10.0.0.2/32", "10.0.0.2", "is not another host in the network of"],
    ["10.0.0.2/32", "224.0.0.1", "is not another host in the network of"],
    ["10.0.0.2/32", "127.0.0.1", "is not another host in the network of"],
    ["10.0.0.2/33", "", "a prefix length of 1 to 32"],
    ["10.0.0.2/0", "", "a prefix length of 1 to 32"],
])("interfaceAddress(%s, %j) throws that it %s", (own, router, message) => {
    expect(() => interfaceAddress(own, router)).toThrow(message)
})
