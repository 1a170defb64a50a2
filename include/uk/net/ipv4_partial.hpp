// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/bytes.hpp>
#include <uk/net/ipv4_wire.hpp>
#include <uk/packet.hpp>
#include <uk/time.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

namespace uk::net {

enum class ipv4_fragment_fate : std::uint8_t {
    kept,
    complete,   ///< the datagram is whole
    malformed,  ///< a size that no fragment has; the others stay
    overlap,    ///< overlaps, or contradicts the others: all are to be dropped
    too_large,  ///< does not fit into the buffer: all are to be dropped
};

/// A datagram of which fragments have come (RFC 791 section 3.2), in one packet buffer that is as large as the payload
/// may become. What has not come yet is known by a list of holes that lies in the holes themselves (RFC 815); units are
/// of 8 octets. A fragment whose octets have all come already, and are the same, is a duplicate and ignored; any other
/// overlap gives the datagram up (the rule that RFC 5722 has for IPv6). Free while it has no buffer.
class ipv4_partial {
public:
    explicit operator bool() const { return static_cast<bool>(buffer_); }

    bool is_of(const ipv4_datagram& d) const {
        return buffer_ && d_.source == d.source && d_.destination == d.destination && d_.id == d.id &&
               d_.protocol == d.protocol;
    }

    /// Becomes that of `d`, in an empty `buffer` with packet_headroom before it.
    void begin(packet&& buffer, const ipv4_datagram& d, instant until) {
        buffer_ = std::move(buffer);
        room_ = buffer_.tailroom();
        buffer_.push_back(room_);
        d_ = d;
        d_.header_length = 0;
        total_ = 0;
        until_ = until;
        first_hole_ = 0;
        store_hole(0, {endless, none});
    }

    ipv4_fragment_fate add(bytes payload, const ipv4_datagram& d) {
        using enum ipv4_fragment_fate;
        const bool more = (d.fragment & ipv4_header::more_fragments) != 0;
        const std::size_t offset = d.fragment_offset();
        const std::size_t end = offset + payload.size();
        if (payload.empty() || (more && payload.size() % unit != 0) || end > 0xffff) return malformed;
        // Behind all but the last there must be room for a hole.
        if (end + (more ? unit : 0) > room_) return too_large;
        d_.group |= d.group;
        const std::size_t from = offset / unit;
        const std::size_t to = (end + unit - 1) / unit;
        if (!fill(from, to, more)) {
            const bool known = !touches_hole(from, to) && (more ? total_ == 0 || end <= total_ : end == total_);
            return known && std::memcmp(buffer_.data() + offset, payload.data(), payload.size()) == 0 ? kept : overlap;
        }
        if (!more) total_ = end;
        std::memcpy(buffer_.data() + offset, payload.data(), payload.size());
        if (offset == 0) take_header(d);
        return first_hole_ == none ? complete : kept;
    }

    /// Lets go of the whole datagram: its payload, and its header in `d`, whose `original` has both.
    packet finish(ipv4_datagram& d) {
        buffer_.truncate(total_);
        quote(total_);
        d = d_;
        return std::move(buffer_);
    }

    /// What has come, for an error about it; null unless the first fragment has.
    const ipv4_datagram* first() {
        if (d_.header_length == 0) return nullptr;
        quote(unit);
        return &d_;
    }

    void drop() { buffer_ = {}; }
    ip4_address source() const { return d_.source; }
    instant until() const { return until_; }

private:
    static constexpr std::size_t unit = 8;
    static constexpr std::uint16_t none = 0xffff;
    static constexpr std::uint16_t endless = 0xffff;

    // A hole reaches from where it lies to unit `end`.
    struct hole {
        std::uint16_t end;
        std::uint16_t next;
    };
    hole load_hole(std::size_t at) const {
        hole h;
        std::memcpy(&h, buffer_.data() + at * unit, sizeof h);
        return h;
    }
    void store_hole(std::size_t at, hole h) { std::memcpy(buffer_.data() + at * unit, &h, sizeof h); }
    void link(std::uint16_t before, std::uint16_t at) {
        if (before == none) {
            first_hole_ = at;
        } else {
            store_hole(before, {load_hole(before).end, at});
        }
    }

    // Units [from, to) have come, the last of all unless `more`: false unless they lie in one hole.
    bool fill(std::size_t from, std::size_t to, bool more) {
        std::uint16_t before = none;
        for (std::uint16_t at = first_hole_; at != none;) {
            const hole h = load_hole(at);
            if (at <= from && to <= h.end) {
                // Behind the last fragment nothing has come.
                if (!more && h.end != endless) return false;
                std::uint16_t next = h.next;
                if (more && to < h.end) {
                    store_hole(to, {h.end, next});
                    next = static_cast<std::uint16_t>(to);
                }
                if (at < from) {
                    store_hole(at, {static_cast<std::uint16_t>(from), next});
                    next = at;
                }
                link(before, next);
                return true;
            }
            before = at;
            at = h.next;
        }
        return false;
    }

    bool touches_hole(std::size_t from, std::size_t to) const {
        for (std::uint16_t at = first_hole_; at != none;) {
            const hole h = load_hole(at);
            if (at < to && from < h.end) return true;
            at = h.next;
        }
        return false;
    }

    // The first fragment's header is the datagram's, and lies in front of the payload.
    void take_header(const ipv4_datagram& d) {
        d_.header_length = d.header_length;
        d_.ttl = d.ttl;
        d_.fragment = 0;
        std::memcpy(buffer_.data() - d.header_length, d.original.data(), d.header_length);
    }
    void quote(std::size_t payload) {
        d_.total_length = static_cast<std::uint16_t>(d_.header_length + payload);
        d_.original = {buffer_.data() - d_.header_length, d_.total_length};
    }

    packet buffer_;
    ipv4_datagram d_;
    std::size_t room_ = 0;
    std::size_t total_ = 0;  // 0: the last fragment has not come
    instant until_;
    std::uint16_t first_hole_ = none;
};

}  // namespace uk::net
