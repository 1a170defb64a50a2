// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/net/checksum.hpp>
#include <uk/packet.hpp>
#include <uk/packet_pieces.hpp>

#include <cstddef>
#include <type_traits>
#include <utility>

/// What a layer may leave to those below it. Each passes on what the card has: `fills_checksums()`,
/// `marks_checksums()` and `segment_pieces()`, see port::frame. Where it has not got them, nothing of this is in the
/// image.
namespace uk::net {

/// The type of the stack's object that provides a port.
template <class Stack, auto Port>
using provider_of = std::remove_reference_t<decltype(std::declval<Stack&>()[Port])>;

/// `below` may complete checksums.
template <class Below>
concept may_fill_checksums = requires(Below& below) { below.fills_checksums(); };

/// Packets from `below` may be marked.
template <class Below>
concept may_mark_checksums = requires(Below& below) { below.marks_checksums(); };

/// `below` may cut what is sent into segments.
template <class Below>
concept may_segment = requires(Below& below) { below.segment_pieces(); };

/// How many pieces of text `below` takes at once, to cut them into segments; 0: it cuts nothing.
template <class Below>
std::size_t segment_pieces(const Below& below) {
    if constexpr (may_segment<const Below>) return below.segment_pieces();
    return 0;
}

/// Octets of `out` that are in pieces, beside `out.size()`.
template <class Below>
std::size_t piece_octets(const Below&, outgoing& out) {
    if constexpr (may_segment<const Below>) {
        if (out.head.segment() != 0) return pieces_of(out.head).octets;
    }
    return 0;
}

/// Checksums of what goes to `below` are to be left partial.
template <class Below>
bool leaves_checksums(const Below& below) {
    if constexpr (may_fill_checksums<const Below>) return below.fills_checksums();
    return false;
}

/// Whether the checksum at offset `field` of `p`, a transport's header and payload, need not be looked at. If not, it
/// is as on a wire.
template <class Below>
bool sum_holds(const Below&, packet& p, std::size_t field) {
    if constexpr (may_mark_checksums<const Below>) {
        if (p.sum_holds(field)) return true;
        p.settle_sum();
    }
    return false;
}

/// From here on `p` is the payload alone, to be used as its owner likes.
template <class Below>
void forget_sum(const Below&, packet& p) {
    if constexpr (may_mark_checksums<const Below>) p.forget_sum();
}

/// The octets of `p` are made what they are on a wire.
template <class Below>
void settle_sum(const Below&, packet& p) {
    if constexpr (may_mark_checksums<const Below>) p.settle_sum();
}

/// Begins the checksum of `out`, a transport's header and payload, in the two octets at offset `field`, and leaves the
/// rest to the card.
inline void leave_sum(outgoing& out, std::size_t field, const checksum& pseudo) {
    const std::size_t segment = out.head.segment();
    store_be(out.head.data() + field, pseudo.partial());
    out.head.mark_partial_sum(0, field);
    if (segment != 0) out.head.mark_segments(segment);
}

}  // namespace uk::net
