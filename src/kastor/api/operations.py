"""The one table of operations: routes, permissions and the API's description come from it."""

from kastor.api.contract.rows import CONTRACT_OPERATIONS
from kastor.api.own.rows import KASTOR_OPERATIONS

OPERATIONS = (*CONTRACT_OPERATIONS, *KASTOR_OPERATIONS)
