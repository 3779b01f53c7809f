// The names of the stack's drop counters in words, for the picture. A counter without words of its own is shown by its name.

const words: { readonly [counter: string]: string } = {
    "frame-short": "a frame shorter than an Ethernet header",
    "not-for-us": "a packet for another host",
    "unknown-type": "a frame of an unknown protocol",
    "arp-malformed": "a malformed ARP packet",
    "ip-malformed": "a malformed IP packet",
    "ip-checksum": "a packet with a wrong IP checksum",
    "ip-fragment": "a fragment of an IP packet",
    "ip-source": "a packet from an impossible address",
    "unknown-protocol": "a packet of an unknown protocol",
    "icmp-malformed": "a malformed ICMP message",
    "icmp-ignored": "an ICMP message about no connection of its own",
    "udp-malformed": "a malformed datagram",
    "udp-no-port": "a datagram for a closed port",
    "tcp-malformed": "a malformed segment",
    "tcp-checksum": "a segment with a wrong TCP checksum",
    "tcp-no-connection": "a segment of no connection",
    "tcp-unacceptable": "a segment outside of the window, or one that it had already",
    "tcp-out-of-order": "a segment after too many gaps",
    "tcp-paws": "an old duplicate, by its timestamp",
    "tcp-bad-ack": "an ACK of what was never sent",
    "tcp-no-ack": "a segment without ACK",
    "tcp-bad-reset": "a reset with a wrong number",
    "tcp-unexpected-syn": "a SYN for a connection that is open",
    "tcp-after-fin": "data after the FIN",
    "backlog-full": "a SYN, because the backlog is full",
    "connections-full": "a handshake, because all connection records are in use",
    "neighbours-full": "an address, because the ARP table is full",
    "reply-busy": "a packet whose reply had no room",
    "challenge-limit": "a segment, after too many challenge ACKs",
    unresolved: "a packet for a host that does not answer ARP",
}

/** Returns a drop in words, with the counter's name. */
export function dropped(counter: string): string {
    const text = words[counter]
    return text === undefined ? `a frame (${counter})` : `${text} (${counter})`
}
