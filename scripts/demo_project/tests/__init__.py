"""Tests of tideline."""
