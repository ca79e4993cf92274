"""Which orders count as purchases."""

import ibis.expr.types as ir

__all__ = ["purchases"]


def purchases(orders: ir.Table) -> ir.Table:
    """The orders of known customers that were paid and kept.

    An order counts when its customer is known, it is not a refund or cancellation, and its amount
    is above zero. Analyses of customers take this table; revenue of the firm takes `orders`.

    Parameters: `orders`, the canonical table.
    Returns: the same columns, fewer rows.

    >>> import ibis
    >>> orders = ibis.memtable(
    ...     {
    ...         "order_id": ["1", "2", "3"],
    ...         "customer_id": ["a", None, "a"],
    ...         "amount": [10.0, 5.0, -10.0],
    ...         "refunded": [False, False, True],
    ...     }
    ... )
    >>> purchases(orders).order_id.execute().tolist()
    ['1']
    """
    kept = ~orders.refunded.fill_null(False)
    return orders.filter(orders.customer_id.notnull(), kept, orders.amount > 0)
