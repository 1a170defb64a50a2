// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/bytes.hpp>
#include <uk/check.hpp>
#include <uk/image_link.hpp>
#include <uk/ones_sum.hpp>

#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <utility>

namespace uk {

/// Octets kept free before the payload of a packet that is to be sent, so that every layer can put its header in place:
/// virtio 12, ethernet 14, IPv4 20, TCP 60, rounded up to keep the payload aligned.
inline constexpr std::size_t packet_headroom = 112;

class packet_store;
struct outgoing;
using packet_store_link = image_link<packet_store, uk_packet_store_object>;

/// What is known of the checksum of the transport's header and payload, in a frame from a card that looks at it, or for
/// one that completes it.
enum class packet_sum : std::uint8_t {
    unknown,
    right,    ///< a card looked
    partial,  ///< left to the card that sends the frame; one received so was never on a wire, and is whole
    cut,      ///< left to the card, which also cuts the frame into segments: see packet_pieces.hpp
};

/// One fixed block of packet memory. `octets` follow the record in memory.
struct alignas(16) packet_buffer {
    explicit packet_buffer(packet_store& store) : home(store) {}

    packet_buffer* next;  // free list, or a queue of the one owner
    [[no_unique_address]] packet_store_link home;
    std::uint16_t references;  // this and the rest from `take` on
    packet_sum sum;
    // Where a partial sum stands, and what it is over, as offsets in the storage.
    std::uint8_t sum_field;  // from `sum_from`
    std::uint16_t sum_from;
    std::uint16_t sum_to;
};

/// A handle on octets in a packet buffer: one reference to the buffer and a window into it. Move-only; `share` makes a
/// second handle on purpose. The last handle to die gives the buffer back.
class packet {
public:
    packet() = default;
    packet(packet&& other) noexcept
        : buffer_(std::exchange(other.buffer_, nullptr)), begin_(other.begin_), size_(other.size_) {}
    packet& operator=(packet&& other) noexcept {
        packet old(std::move(*this));
        buffer_ = std::exchange(other.buffer_, nullptr);
        begin_ = other.begin_;
        size_ = other.size_;
        return *this;
    }
    ~packet() {
        if (buffer_ != nullptr) release();
    }

    explicit operator bool() const { return buffer_ != nullptr; }

    /// Gives the buffer back: a null handle is left.
    [[gnu::noinline]] void drop() {
        this->~packet();
        new (this) packet;
    }

    std::size_t size() const { return size_; }
    std::byte* data() { return block() + begin_; }
    const std::byte* data() const { return block() + begin_; }
    writable_bytes contents() { return {data(), size()}; }
    bytes contents() const { return {data(), size()}; }

    std::size_t headroom() const { return begin_ - sizeof(packet_buffer); }
    inline std::size_t tailroom() const;

    /// Grows the window at the front by `n` octets, for a header; returns them. A missing headroom is a bug.
    writable_bytes push_front(std::size_t n) {
        check(sizeof(packet_buffer) + n <= begin_, "packet: no headroom left");
        begin_ -= static_cast<std::uint32_t>(n);
        size_ += static_cast<std::uint32_t>(n);
        return {data(), n};
    }

    /// Grows the window at the end by `n` octets; returns them. A missing tailroom is a bug.
    inline writable_bytes push_back(std::size_t n);

    /// Drops up to `n` octets at the front, at the end.
    [[gnu::noinline]] void pop_front(std::size_t n) {
        const auto less = static_cast<std::uint32_t>(n < size() ? n : size());
        begin_ += less;
        size_ -= less;
    }
    void pop_back(std::size_t n) { size_ -= static_cast<std::uint32_t>(n < size() ? n : size()); }

    /// Keeps the first `n` octets, if there are more.
    void truncate(std::size_t n) {
        if (n < size()) size_ = static_cast<std::uint32_t>(n);
    }

    /// A second handle on the same octets: they must not be written any more.
    packet share() const {
        packet other;
        other.buffer_ = buffer_;
        other.begin_ = begin_;
        other.size_ = size_;
        if (buffer_ != nullptr) ++buffer_->references;
        return other;
    }

    /// Gives up the handle without giving back the reference: for rings that remember a buffer by its record.
    packet_buffer* detach() { return std::exchange(buffer_, nullptr); }

    /// The handle again, of octets [begin, begin + size) of the buffer's storage. A driver cuts `size` to what it
    /// posted.
    inline static packet attach(packet_buffer* buffer, std::size_t begin, std::size_t size);

    /// A card has found the checksum of the frame in the window right, or not looked.
    void mark_sum(bool right) { buffer_->sum = right ? packet_sum::right : packet_sum::unknown; }
    /// The sum of all from offset `from` on is partial: it belongs into the two octets at `field`, 0 to 255, from
    /// there, which hold what it starts with. To be sent, only for a link that `fills_checksums()`.
    void mark_partial_sum(std::size_t from, std::size_t field) {
        buffer_->sum = packet_sum::partial;
        buffer_->sum_field = static_cast<std::uint8_t>(field);
        buffer_->sum_from = static_cast<std::uint16_t>(headroom() + from);
        buffer_->sum_to = static_cast<std::uint16_t>(headroom() + size_);
    }
    /// After a partial sum: the packet is to be sent as segments of `octets` of text each.
    void mark_segments(std::size_t octets) {
        buffer_->sum = packet_sum::cut;
        buffer_->sum_to = static_cast<std::uint16_t>(octets);
    }
    /// Octets of text of each segment; 0: it is not to be cut.
    std::size_t segment() const { return buffer_->sum == packet_sum::cut ? buffer_->sum_to : 0; }
    packet_sum sum() const { return buffer_->sum; }
    /// Where a partial sum begins in the window, and where it belongs from there.
    std::size_t sum_from() const { return buffer_->sum_from - headroom(); }
    std::size_t sum_field() const { return buffer_->sum_field; }
    /// The window's checksum, whose field is at offset `field`, need not be looked at.
    bool sum_holds(std::size_t field) const {
        if (buffer_->sum != packet_sum::partial) return buffer_->sum == packet_sum::right;
        return buffer_->sum_from == headroom() && buffer_->sum_field == field && buffer_->sum_to >= headroom() + size_;
    }
    /// Completes a partial sum, so that the octets are what a wire would have brought: for whoever looks at them, or
    /// sends them on. Nobody else may hold the buffer.
    [[gnu::noinline]] void settle_sum() {
        if (std::exchange(buffer_->sum, packet_sum::unknown) != packet_sum::partial) return;
        const bytes all = bytes(block() + sizeof(packet_buffer), buffer_->sum_to).subspan(buffer_->sum_from);
        const std::uint16_t sum = ones_sum(all);
        // Zero would say that there is no checksum (RFC 768).
        store_be(block() + sizeof(packet_buffer) + buffer_->sum_from + buffer_->sum_field,
                 static_cast<std::uint16_t>(sum == 0xffff ? sum : ~sum));
    }
    /// What the card knew is forgotten: from here on the octets are the payload alone.
    void forget_sum() { buffer_->sum = packet_sum::unknown; }

    /// True when nobody else holds the buffer: only then may its octets be written.
    bool exclusive() const { return buffer_ != nullptr && buffer_->references == 1; }

private:
    std::byte* block() const { return reinterpret_cast<std::byte*>(buffer_); }
    inline void release();

    packet_buffer* buffer_ = nullptr;
    std::uint32_t begin_ = 0;  // from the record on
    std::uint32_t size_ = 0;
};

/// A fixed set of equal packet buffers over storage that somebody else owns. All operations take constant time.
class packet_store {
public:
    /// Splits `storage` into blocks of one record and `capacity` octets.
    packet_store(writable_bytes storage, std::size_t capacity) : capacity_(capacity) {
        const std::size_t stride = sizeof(packet_buffer) + capacity;
        for (std::size_t at = 0; at + stride <= storage.size(); at += stride) {
            put(new (storage.data() + at) packet_buffer(*this));
        }
        reserved_ = available_ / 16 < most_reserved ? available_ / 16 : most_reserved;
    }
    packet_store(const packet_store&) = delete;
    packet_store& operator=(const packet_store&) = delete;

    /// An empty window after `headroom` octets, or a null handle when no buffer is free.
    packet take(std::size_t headroom = packet_headroom) {
        if (free_ == nullptr) {
            ++exhausted_;
            return {};
        }
        packet_buffer* buffer = std::exchange(free_, free_->next);
        buffer->references = 1;
        buffer->sum = packet_sum::unknown;
        buffer->sum_field = 0;
        --available_;
        return packet::attach(buffer, headroom, 0);
    }

    /// The same as a message to be sent.
    outgoing take_outgoing();
    /// `take` for whoever may keep it for long: the last buffers are left to reception and to headers, without which
    /// nothing would ever be given back.
    packet take_spare(std::size_t headroom) { return has_spare() ? take(headroom) : packet(); }
    bool has_spare() const { return available_ > reserved_; }

    void put(packet_buffer* buffer) {
        buffer->next = free_;
        free_ = buffer;
        ++available_;
    }

    std::size_t capacity() const { return capacity_; }
    std::size_t available() const { return available_; }
    /// How often a buffer was asked for in vain.
    std::uint32_t exhausted() const { return exhausted_; }

private:
    static constexpr std::uint32_t most_reserved = 8;

    packet_buffer* free_ = nullptr;
    std::size_t capacity_;
    std::uint32_t available_ = 0;
    std::uint32_t reserved_ = 0;
    std::uint32_t exhausted_ = 0;
};

inline std::size_t packet::tailroom() const { return buffer_->home->capacity() - headroom() - size_; }

inline writable_bytes packet::push_back(std::size_t n) {
    check(n <= tailroom(), "packet: no tailroom left");
    std::byte* at = data() + size_;
    size_ += static_cast<std::uint32_t>(n);
    return {at, n};
}

inline packet packet::attach(packet_buffer* buffer, std::size_t begin, std::size_t size) {
    packet p;
    p.buffer_ = buffer;
    p.begin_ = static_cast<std::uint32_t>(sizeof(packet_buffer) + begin);
    p.size_ = static_cast<std::uint32_t>(size);
    return p;
}

inline void packet::release() {
    if (--buffer_->references == 0) buffer_->home->put(buffer_);
}

/// What a layer hands down to be sent: `head` starts with the headers (each layer pushes its own in front), `body` is
/// an optional second piece that is sent from where it lies. `owner` keeps the body's memory alive until the device is
/// done with it; it is empty for constant data.
struct outgoing {
    packet head;
    bytes body{};
    packet owner{};
    /// For the internet layer's header: the DS field (RFC 2474 section 3) above the two bits of ECN, which are 2 where
    /// the transport can be told of congestion (RFC 3168 section 5).
    std::uint8_t traffic_class = 0;

    std::size_t size() const { return head.size() + body.size(); }
};

[[gnu::noinline]] inline outgoing packet_store::take_outgoing() { return {.head = take()}; }

}  // namespace uk
