"""Why a saved model decides as it does: evidence in space and time, and whether the order of frames matters."""
