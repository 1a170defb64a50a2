// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <utility>

namespace uk {

/// A place in an intrusive circular list. Unlinks itself when it dies, so a destroyed coroutine leaves no trace in the
/// queues it waited in. Neither copied nor moved: its neighbours point at it.
class list_node {
public:
    constexpr list_node() = default;
    list_node(const list_node&) = delete;
    list_node& operator=(const list_node&) = delete;
    ~list_node() { unlink(); }

    constexpr bool linked() const { return next_ != nullptr; }

    [[gnu::noinline]] constexpr void unlink() {
        if (!linked()) return;
        next_->prev_ = prev_;
        // Who stays behind alone is no longer linked either.
        prev_->next_ = prev_ == next_ ? nullptr : next_;
        next_ = nullptr;
    }

private:
    template <class>
    friend class list;

    // Puts the chain from `first` to `last` before this node, as its ring's last.
    [[gnu::noinline]] constexpr void insert(list_node& first, list_node& last) {
        if (!linked()) prev_ = next_ = this;
        first.prev_ = prev_;
        last.next_ = this;
        prev_->next_ = &first;
        prev_ = &last;
    }

    [[gnu::noinline]] constexpr void append(list_node& n) {
        if (n.next_ == this) return;  // it is the last already
        n.unlink();
        insert(n, n);
    }

    // Puts what follows `head` before this node.
    [[gnu::noinline]] constexpr void take_all(list_node& head) {
        if (!head.linked()) return;
        list_node& first = *std::exchange(head.next_, nullptr);
        insert(first, *head.prev_);
    }

    // Null while unlinked (`prev_` may be anything then): so nodes and lists begin as zeros.
    list_node* prev_ = nullptr;
    list_node* next_ = nullptr;
};

/// First in, first out, over nodes that derive from list_node. Owns nothing; all operations take constant time.
template <class Node>
class list {
public:
    constexpr bool empty() const { return !head_.linked(); }

    /// Puts `node` last, out of whatever list it was in.
    constexpr void push_back(Node& node) { head_.append(node); }

    constexpr Node& front() { return static_cast<Node&>(*head_.next_); }

    constexpr Node& pop_front() {
        Node& node = front();
        static_cast<list_node&>(node).unlink();
        return node;
    }

    /// Moves everything in `other` behind what is here.
    constexpr void take_all(list& other) { head_.take_all(other.head_); }

private:
    list_node head_;
};

}  // namespace uk
