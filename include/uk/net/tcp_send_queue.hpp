// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/packet.hpp>
#include <uk/packet_pieces.hpp>

#include <cstddef>
#include <cstdint>
#include <new>

namespace uk::net {

/// What an application has written and the peer has not acknowledged: a list of packet buffers. Each holds some copied
/// octets, and may refer to one range of constant octets that follow them, sent from where they lie.
class tcp_send_queue {
public:
    tcp_send_queue() = default;
    tcp_send_queue(const tcp_send_queue&) = delete;
    tcp_send_queue& operator=(const tcp_send_queue&) = delete;
    ~tcp_send_queue() { clear(); }

    std::uint32_t octets() const { return octets_; }
    std::uint32_t buffers() const { return buffers_; }
    /// The most octets that can be under way: a quarter of the sequence space keeps comparisons right.
    static constexpr std::uint32_t most = 1U << 30;

    /// Copies what finds room in the last buffer and, while there are less than `limit`, in new ones, with up to `fill`
    /// octets in each. Says how many octets that was.
    [[gnu::noinline]] std::size_t append(bytes text, packet_store& store, std::size_t limit, std::size_t fill) {
        std::size_t done = 0;
        while (done < text.size() && octets_ < most) {
            if (room_in_last(fill) == 0 && !add_buffer(store, limit)) break;
            piece& last = piece_of(tail_);
            std::byte* end = text_of(tail_) + last.begin + last.size;
            const std::size_t n = copy({end, room_in_last(fill)}, text.subspan(done));
            last.size = static_cast<std::uint16_t>(last.size + n);
            octets_ += static_cast<std::uint32_t>(n);
            done += n;
        }
        return done;
    }

    /// Adds octets that stay where they are; they must live until they are acknowledged. False when there is no room.
    [[gnu::noinline]] bool append_constant(bytes text, packet_store& store, std::size_t limit) {
        if (text.size() > most - octets_) return false;
        if ((tail_ == nullptr || piece_of(tail_).constant_size != 0) && !add_buffer(store, limit)) return false;
        piece& last = piece_of(tail_);
        last.constant = text.data();
        last.constant_size = static_cast<std::uint32_t>(text.size());
        octets_ += last.constant_size;
        return true;
    }

    /// Forgets the first `n` octets.
    [[gnu::noinline]] void drop(std::uint32_t n) {
        octets_ -= n;
        while (head_ != nullptr) {
            piece& p = piece_of(head_);
            const auto copied = static_cast<std::uint16_t>(n < p.size ? n : p.size);
            p.begin = static_cast<std::uint16_t>(p.begin + copied);
            p.size = static_cast<std::uint16_t>(p.size - copied);
            n -= copied;
            const std::uint32_t constant = n < p.constant_size ? n : p.constant_size;
            p.constant += constant;
            p.constant_size -= constant;
            n -= constant;
            if (p.size != 0 || p.constant_size != 0) return;
            remove_first();
        }
    }

    void clear() {
        while (head_ != nullptr) remove_first();
        octets_ = 0;
    }

    /// Octets [offset, offset + length) as a segment: copied behind what is in the head of `out`, but a last piece of
    /// more than `worth` octets becomes the body, with its owner where it has one.
    [[gnu::noinline]] void gather(std::uint32_t offset, std::uint32_t length, outgoing& out, std::size_t worth) const {
        walk(offset, length, [&](bytes from, packet_buffer* owner, bool last) {
            if (!last || from.size() <= worth) {
                copy(out.head.push_back(from.size()), from);
            } else {
                out.body = from;
                if (owner != nullptr) out.owner = share(owner);
            }
            return true;
        });
    }

    /// The same for a card that cuts it into segments: all of it in pieces, of which there are at most `places`. Says
    /// how many octets that is, `length` or less; with no list it only says so.
    std::uint32_t gather(std::uint32_t offset, std::uint32_t length, packet_pieces* out, std::size_t places) const {
        std::uint32_t done = 0;
        walk(offset, length, [&](bytes from, packet_buffer* owner, bool) {
            if (places-- == 0) return false;
            done += static_cast<std::uint32_t>(from.size());
            if (out != nullptr) out->add(from, owner);
            return true;
        });
        return done;
    }

private:
    // Stands at the start of the buffer's storage; the copied octets follow it.
    struct piece {
        const std::byte* constant = nullptr;
        std::uint32_t constant_size = 0;
        std::uint16_t begin = 0;
        std::uint16_t size = 0;
    };

    // Shows `visit(octets, the buffer that they were copied into or null, whether they are the last)` what there is of
    // [offset, offset + length), until it says false.
    template <class Visit>
    [[gnu::always_inline]] void walk(std::uint32_t offset, std::uint32_t length, Visit visit) const {
        for (packet_buffer* b = head_; b != nullptr; b = b->next) {
            const piece& p = piece_of(b);
            for (const bool copied : {true, false}) {
                if (length == 0) return;
                bytes from = copied ? bytes(text_of(b) + p.begin, p.size) : bytes(p.constant, p.constant_size);
                if (offset >= from.size()) {
                    offset -= static_cast<std::uint32_t>(from.size());
                    continue;
                }
                from = from.subspan(offset);
                offset = 0;
                if (from.size() > length) from = from.first(length);
                length -= static_cast<std::uint32_t>(from.size());
                if (!visit(from, copied ? b : nullptr, length == 0)) return;
            }
        }
    }

    static piece& piece_of(packet_buffer* b) { return *std::launder(reinterpret_cast<piece*>(b + 1)); }
    static std::byte* text_of(packet_buffer* b) { return reinterpret_cast<std::byte*>(b + 1) + sizeof(piece); }

    // Writing behind octets that are under way is allowed: nobody else holds those behind.
    std::size_t room_in_last(std::size_t fill) const {
        if (tail_ == nullptr) return 0;
        const piece& p = piece_of(tail_);
        const std::size_t capacity = tail_->home->capacity() - sizeof(piece);
        const std::size_t end = std::size_t{p.begin} + p.size;
        if (fill > capacity) fill = capacity;
        return p.constant_size != 0 || end >= fill ? 0 : fill - end;
    }

    bool add_buffer(packet_store& store, std::size_t limit) {
        if (buffers_ >= limit) return false;
        packet_buffer* b = store.take(0).detach();
        if (b == nullptr) return false;
        new (b + 1) piece{};
        b->next = nullptr;
        (tail_ == nullptr ? head_ : tail_->next) = b;
        tail_ = b;
        ++buffers_;
        return true;
    }

    void remove_first() {
        packet_buffer* b = head_;
        head_ = b->next;
        if (head_ == nullptr) tail_ = nullptr;
        --buffers_;
        packet::attach(b, 0, 0);
    }

    static packet share(packet_buffer* b) {
        ++b->references;
        return packet::attach(b, 0, 0);
    }

    packet_buffer* head_ = nullptr;
    packet_buffer* tail_ = nullptr;
    std::uint32_t octets_ = 0;
    std::uint32_t buffers_ = 0;
};

}  // namespace uk::net
