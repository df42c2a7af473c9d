"""Run them all from the folder above: python3 -m unittest"""

import logging

logging.disable(logging.ERROR)  # what peers do wrong here on purpose is logged
