// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/net/tcp_wire.hpp>
#include <uk/packet.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

namespace uk::net {

/// What the peer has sent and the application has not taken: packets in order, and packets that came early. Keeps the
/// buffers in which they came. Small text is copied behind the text before it where that has room, so that a peer who
/// sends crumbs cannot tie up a buffer with each: two neighbouring buffers are never both less than about half full.
class tcp_receive_queue {
public:
    tcp_receive_queue() = default;
    tcp_receive_queue(const tcp_receive_queue&) = delete;
    tcp_receive_queue& operator=(const tcp_receive_queue&) = delete;
    ~tcp_receive_queue() { clear(); }

    /// Octets in order.
    std::uint32_t octets() const { return octets_; }
    /// Buffers in order, and buffers that came early.
    std::uint32_t buffers() const { return buffers_; }
    std::uint32_t early_buffers() const { return early_; }

    /// True when text in order needs no buffer of its own.
    bool fits_behind(const packet& p) const { return tail_ != nullptr && p.size() <= room_behind(tail_); }

    /// Adds text in order, `next` being the place behind the last octet here, and what came early and follows it. Says
    /// by how many octets the stream has grown. The packet has the octets of its TCP header before its text, which the
    /// queue uses for itself.
    std::uint32_t append(packet&& p, seq next) {
        packet_buffer* b = attach_note(std::move(p), next);
        b->next = first_early_;
        first_early_ = b;
        ++early_;
        return advance(next);
    }

    /// Keeps text that came early; what is here already is let go: then false. Overlaps are cut when their turn comes.
    [[gnu::noinline]] bool insert(packet&& p, seq at) {
        const auto size = static_cast<std::uint32_t>(p.size());
        packet_buffer** link = &first_early_;
        for (; *link != nullptr && note_of(*link).at <= at; link = &(*link)->next) {
            if (at + size <= note_of(*link).at + note_of(*link).size) return false;
        }
        packet_buffer* b = attach_note(std::move(p), at);
        b->next = *link;
        *link = b;
        ++early_;
        return true;
    }

    /// The ranges that came early as blocks of a SACK option at `to`, eight octets each, `most` of them; that with
    /// `recent` first (RFC 2018 section 4). Says how many.
    unsigned early_blocks(std::byte* to, unsigned most, seq recent) const {
        if (most == 0) return 0;
        bool found = false;
        unsigned n = 1;
        for (packet_buffer* b = first_early_; b != nullptr;) {
            const seq begin = note_of(b).at;
            seq end = begin;
            for (; b != nullptr && note_of(b).at <= end; b = b->next) {
                end = later(end, note_of(b).at + note_of(b).size);
            }
            const bool first = begin <= recent && recent < end;
            found |= first;
            if (!first && n >= most) continue;
            std::byte* at = to + 8 * (first ? 0 : n++);
            store_be(at, begin.value);
            store_be(at + 4, end.value);
        }
        if (found) return n;
        std::memmove(to, to + 8, 8 * (n - 1));
        return n - 1;
    }

    /// Gives up what came early: the peer still has it.
    void forget_early() {
        while (first_early_ != nullptr) handle_of(take_early());
    }

    /// The first packet in order, or a null one.
    packet pop() {
        if (head_ == nullptr) return {};
        packet_buffer* b = head_;
        head_ = b->next;
        if (head_ == nullptr) tail_ = nullptr;
        --buffers_;
        packet p = handle_of(b);
        octets_ -= static_cast<std::uint32_t>(p.size());
        return p;
    }

    void clear() {
        while (head_ != nullptr) pop();
        forget_early();
    }

private:
    // Stands at the start of the buffer's storage, over headers that were read long ago.
    struct note {
        seq at;
        std::uint16_t begin;
        std::uint16_t size;
    };

    static note& note_of(packet_buffer* b) { return *std::launder(reinterpret_cast<note*>(b + 1)); }
    static std::byte* storage_of(packet_buffer* b) { return reinterpret_cast<std::byte*>(b + 1); }
    static packet handle_of(packet_buffer* b) { return packet::attach(b, note_of(b).begin, note_of(b).size); }

    static packet_buffer* attach_note(packet&& p, seq at) {
        check(p.headroom() >= sizeof(note), "tcp: packet without its header");
        const note n{at, static_cast<std::uint16_t>(p.headroom()), static_cast<std::uint16_t>(p.size())};
        packet_buffer* b = p.detach();
        new (b + 1) note(n);
        return b;
    }

    static std::size_t room_behind(packet_buffer* b) {
        if (b->references != 1) return 0;
        return b->home->capacity() - note_of(b).begin - note_of(b).size;
    }

    // Moves what is in order now.
    [[gnu::noinline]] std::uint32_t advance(seq next) {
        const std::uint32_t before = octets_;
        while (first_early_ != nullptr && note_of(first_early_).at <= next) {
            packet_buffer* b = take_early();
            note& n = note_of(b);
            const std::uint32_t known = next - n.at;
            if (known >= n.size) {
                handle_of(b);
                continue;
            }
            n.begin = static_cast<std::uint16_t>(n.begin + known);
            n.size = static_cast<std::uint16_t>(n.size - known);
            next = next + n.size;
            place(b);
        }
        return octets_ - before;
    }

    // Behind the text that is there, or in its own buffer.
    [[gnu::noinline]] void place(packet_buffer* b) {
        const note& n = note_of(b);
        octets_ += n.size;
        if (tail_ != nullptr && n.size <= room_behind(tail_)) {
            note& last = note_of(tail_);
            std::memcpy(storage_of(tail_) + last.begin + last.size, storage_of(b) + n.begin, n.size);
            last.size = static_cast<std::uint16_t>(last.size + n.size);
            handle_of(b);
            return;
        }
        b->next = nullptr;
        (tail_ == nullptr ? head_ : tail_->next) = b;
        tail_ = b;
        ++buffers_;
    }

    packet_buffer* take_early() {
        packet_buffer* b = first_early_;
        first_early_ = b->next;
        --early_;
        return b;
    }

    packet_buffer* head_ = nullptr;
    packet_buffer* tail_ = nullptr;
    packet_buffer* first_early_ = nullptr;
    std::uint32_t octets_ = 0;
    std::uint16_t buffers_ = 0;
    std::uint16_t early_ = 0;
};

}  // namespace uk::net
